/* bge.hpp over operations, pages and streams. */
#include "check.hpp"

#include <iterator>
#include <set>
#include <type_traits>
#include <utility>

static_assert(!std::is_copy_constructible_v<bge::Operation> && std::is_nothrow_move_constructible_v<bge::Operation>);
static_assert(!std::is_copy_constructible_v<bge::Pages> && std::is_move_constructible_v<bge::Pages>);
static_assert(!std::is_copy_constructible_v<bge::Reader> && !std::is_copy_constructible_v<bge::Writer>);

static void operations(const bge::Client &api) {
  CHECK(api.start("get_user").get() == api.get_user());

  bge::Operation op = api.start("get_sample", R"({"biosample_id": "E-B00000000000"})");
  CHECK(op.fd() >= 0);
  CHECK(op.wait());
  CHECK(ERROR_OF(op.result()).code() == 41303);
  CHECK(ERROR_OF(op.result()).status() == BGE_ERR_CLOSED);
  CHECK(ERROR_OF(api.start("no_such_call")).status() == BGE_ERR_ARGUMENT);

  /* an upload's bytes belong to the operation, wherever it is moved and however short they are */
  bge::Operation small = api.start_upload("small.txt", "ACGT");
  op = std::move(small);
  CHECK(get(op.get(), "/size") == "4");
  CHECK(op.progress().done == 4 && op.progress().total == 4);
  { bge::Operation abandoned = api.start_upload("abandoned.bin", std::string(5000000, 'x')); }

  const bge::OAuth2 application(sandbox("/credentials/client_id"), sandbox("/credentials/client_secret"),
                                sandbox_options());
  CHECK(get(application.start("get_credentials_token").get(), "/token_type") == "Bearer");
}

static void pages(const bge::Client &api) {
  std::set<std::string> ids;
  std::size_t rows = 0;
  bge::Pages samples = api.pages("get_samples", R"({"limit": 3})");
  for (const std::string &page : samples) {
    const std::size_t n = std::stoul(get(page, "/result/#"));
    CHECK(n > 0 && n <= 3);
    for (std::size_t i = 0; i < n; i++) ids.insert(get(page, "/result/" + std::to_string(i) + "/biosample_id"));
    rows += n;
  }
  CHECK(rows > 3 && ids.size() == rows);
  CHECK(!samples.next());

  std::size_t again = 0;
  for (bge::Pages walk = api.pages("get_samples", R"({"limit": 3})");;) {
    const std::string page = walk.start().get();
    if (page == "null") break;
    again += std::stoul(get(page, "/result/#"));
  }
  CHECK(again == rows);

  /* a walk may be left in the middle */
  for (const std::string &page : api.pages("get_samples", R"({"limit": 1})")) {
    CHECK(get(page, "/result/#") == "1");
    break;
  }
  CHECK(ERROR_OF(api.pages("get_user")).status() == BGE_ERR_ARGUMENT);

  bge::Pages cancelled = api.pages("get_samples", R"({"limit": 1})");
  CHECK(cancelled.next().has_value());
  cancelled.cancel();
  CHECK(ERROR_OF(cancelled.next()).status() == BGE_ERR_CANCELLED);
  api.cancel(); /* nothing is under way: the client goes on */
  api.alive();
}

static void streams(const bge::Client &api) {
  const std::string content = std::string("a NUL \0", 7) + std::string(300000, 'A');
  bge::Writer writer = api.open_writer("stream.txt");
  writer.write("");
  writer.write(content.substr(0, 100));
  writer.write(content.substr(100));
  const std::string object = get(writer.finish(), "/object_name");
  CHECK(ERROR_OF(writer.write("more")).status() == BGE_ERR_CLOSED);

  CHECK(api.open_reader(object).read_all() == content);
  char buffer[7];
  CHECK(api.open_reader(object).read(buffer, sizeof buffer) > 0 && buffer[0] == 'a');
  CHECK(ERROR_OF(api.open_reader("no/such/object").read_all()).status() == BGE_ERR_STORAGE);

  /* the same as a std::istream */
  static_assert(std::is_base_of_v<std::istream, bge::istream> && !std::is_copy_constructible_v<bge::istream>);
  const std::string lines = get(api.upload("lines.txt", "one\ntwo\n\nfour"), "/object_name");
  bge::istream in(api.open_reader(lines));
  std::string line, all;
  while (std::getline(in, line)) all += line + "|";
  CHECK(all == "one|two||four|" && in.eof() && !in.bad() && !in.error());
  bge::istream whole(api.open_reader(object));
  CHECK(std::string(std::istreambuf_iterator<char>(whole), {}) == content);
  bge::istream missing(api.open_reader("no/such/object"));
  CHECK(!std::getline(missing, line) && missing.bad() && !missing.eof());
  CHECK(missing.error() && missing.error()->status() == BGE_ERR_STORAGE);

  bge::Writer discarded = api.open_writer("discarded.txt");
  discarded.write("x");
  discarded.abort();
  CHECK(ERROR_OF(discarded.finish()).status() == BGE_ERR_CLOSED);
}

int main() {
  return check_all([] {
    const bge::Client api = sandbox_client();
    operations(api);
    pages(api);
    streams(api);
  });
}

/* bge.hpp over operations, pages and streams. */
#include "check.hpp"

#include <iterator>
#include <limits>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

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

  /* on this thread, and ended from another one */
  bge::Operation own = api.prepare("get_user");
  CHECK(!own.wait(0) && own.run() == api.get_user());
  CHECK(ERROR_OF(own.run()).status() == BGE_ERR_ARGUMENT);
  own = api.prepare("get_user");
  own.cancel();
  CHECK(ERROR_OF(own.run()).status() == BGE_ERR_CANCELLED);

  const bge::OAuth2 application(sandbox("/credentials/client_id"), sandbox("/credentials/client_secret"),
                                sandbox_options());
  CHECK(get(application.start("get_credentials_token").get(), "/token_type") == "Bearer");
}

static void queues(const bge::Client &api) {
  const bge::Queue queue;
  CHECK(queue.fd() >= 0 && queue.wait(0).empty());
  std::vector<bge::Operation> operations;
  for (std::uint64_t key = 1; key <= 5; key++) {
    operations.push_back(api.start("get_user"));
    queue.add(operations.back(), key);
  }
  CHECK(ERROR_OF(queue.add(operations[0], 9)).status() == BGE_ERR_ARGUMENT);
  std::set<std::uint64_t> ended;
  while (ended.size() < 5) {
    const std::vector<std::uint64_t> keys = queue.wait(-1, 2);
    CHECK(!keys.empty() && keys.size() <= 2);
    ended.insert(keys.begin(), keys.end());
  }
  CHECK(*ended.begin() == 1 && *ended.rbegin() == 5);
  CHECK(operations[2].result() == api.get_user());
  queue.post(77);
  CHECK(queue.wait() == std::vector<std::uint64_t>{77});
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
  /* anywhere in it */
  bge::istream anywhere(api.open_reader(lines));
  const auto read_line = [&anywhere] {
    std::string got;
    std::getline(anywhere, got);
    return got;
  };
  CHECK(anywhere.tellg() == std::streampos(0) && read_line() == "one" && anywhere.tellg() == std::streampos(4));
  CHECK(anywhere.seekg(-4, std::ios::end) && read_line() == "four" && anywhere.eof());
  CHECK(anywhere.seekg(4) && read_line() == "two" && anywhere.seekg(-3, std::ios::cur) && read_line() == "wo");
  CHECK(anywhere.seekg(100) && anywhere.get() == std::char_traits<char>::eof() && anywhere.eof());
  anywhere.clear();
  CHECK(!anywhere.seekg(-1) && !anywhere.bad());
  anywhere.clear();
  CHECK(!anywhere.seekg(std::numeric_limits<std::streamoff>::max(), std::ios::end));
  anywhere.clear();
  CHECK(anywhere.seekg(0) && read_line() == "one" && !anywhere.error());
  bge::istream large(api.open_reader(object));
  for (const std::size_t place : {std::size_t(0), content.size() - 1, content.size() / 2, content.size() / 2 + 1}) {
    CHECK(large.seekg(static_cast<std::streamoff>(place)) && large.peek() == std::char_traits<char>::to_int_type(content[place]));
    CHECK(large.tellg() == std::streampos(static_cast<std::streamoff>(place)));
  }
  bge::Reader at_places = api.open_reader(object);
  char piece[4];
  CHECK(at_places.size() == content.size());
  CHECK(at_places.read_at(content.size() - 2, piece, 4) == 2 && piece[0] == content[content.size() - 2]);
  at_places.seek(content.size());
  CHECK(at_places.read(piece, 4) == 0);

  bge::istream missing(api.open_reader("no/such/object"));
  CHECK(!std::getline(missing, line) && missing.bad() && !missing.eof());
  bge::istream nowhere(api.open_reader("no/such/object"));
  CHECK(!nowhere.seekg(0, std::ios::end) && nowhere.bad() && nowhere.error());
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
    queues(api);
    pages(api);
    streams(api);
  });
}

/* bge.hpp over operations and pages. */
#include "check.hpp"

#include <iterator>
#include <set>
#include <type_traits>
#include <utility>

static_assert(!std::is_copy_constructible_v<bge::Operation> && std::is_nothrow_move_constructible_v<bge::Operation>);
static_assert(!std::is_copy_constructible_v<bge::Pages> && std::is_move_constructible_v<bge::Pages>);

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
}

int main() {
  return check_all([] {
    const bge::Client api = sandbox_client();
    operations(api);
    pages(api);
  });
}

/* bge.hpp over the ordinary calls: handles move and free themselves, errors carry everything, nothing is cut short. */
#include "check.hpp"

#include <memory>
#include <type_traits>
#include <utility>

static_assert(!std::is_copy_constructible_v<bge::Client> && !std::is_copy_assignable_v<bge::Client>);
static_assert(std::is_nothrow_move_constructible_v<bge::Client> && std::is_nothrow_move_assignable_v<bge::Client>);
static_assert(!std::is_copy_constructible_v<bge::OAuth2> && std::is_nothrow_move_constructible_v<bge::OAuth2>);
static_assert(std::is_nothrow_copy_constructible_v<bge::Error>);
static_assert(std::is_base_of_v<std::exception, bge::Error>);

static void calls() {
  const bge::Client api = sandbox_client();
  const std::string id = sandbox("/biosample_id"), meta = sandbox("/meta_biosample_id");
  api.alive();
  CHECK(get(api.get_sample(id), "/biosample_id") == id);
  CHECK(get(api.call("get_sample", R"({"biosample_id": ")" + id + "\"}"), "/biosample_id") == id);
  CHECK(get(api.request("GET", "/samples/" + id), "/biosample_id") == id);
  CHECK(get(api.get_variants(id, "rs762551"), "/0/alternate_id/0") == "rs762551");
  CHECK(get(api.get_samples(R"({"limit": 1})"), "/result/#") == "1");
  CHECK(get(api.get_taxon_abundance(meta, R"({"taxon_ids": "txid815"})"), "/result/0/taxonomy/taxon_id") == "txid815");
  CHECK(get(api.get_taxon_abundance(meta, R"({"taxon_ids": "txid1323"})"), "/result/#") == "0");
  CHECK(get(api.register_sample("cpp-1", 1, sandbox("/project_id")), "/biosample_id").substr(0, 2) == "E-");
  CHECK(get(bge::endpoints(), "/0/name").size() > 0);
  CHECK(bge::version() == "0.1.0");
  CHECK(get(bge::features(), "/arrow") == "true");
}

static void arguments() {
  const bge::Client api = sandbox_client();
  const std::string quoted = "a \"quoted\" \\ 样品";
  bge::Args args;
  args.add("text", quoted).add("literal", "b").add("yes", true).add("half", 0.5).add("small", short(-3));
  args.add("large", ~std::uint64_t{0}).add("c", 'c').add_json("list", "[1.50]");
  const std::string json = args;
  CHECK(json == args.json());
  CHECK(get(json, "/text") == quoted && get(json, "/literal") == "b" && get(json, "/yes") == "true");
  CHECK(get(json, "/half") == "0.5" && get(json, "/small") == "-3" && get(json, "/list") == "[1.50]");
  CHECK(get(json, "/large") == "18446744073709551615" && get(json, "/c") == "99");
  CHECK(get(api.get_samples(bge::Args().add("limit", 1).add("omics", "1")), "/result/#") == "1");
  CHECK(ERROR_OF(args.add("text", 1)).status() == BGE_ERR_ARGUMENT);
  CHECK(ERROR_OF(args.add("cut", std::string("a\0b", 3))).status() == BGE_ERR_ARGUMENT);
  CHECK(ERROR_OF(args.add_json("none", "{")).status() == BGE_ERR_ARGUMENT);
  CHECK(args.json() == json);
  const bge::Args moved = std::move(args);
  CHECK(moved.json() == json && args.json() == "{}"); /* NOLINT: this is what is tested */
  const bge::Client other(sandbox("/access_token"), bge::Args().add("endpoint", sandbox("/endpoint")));
  other.alive();
}

static void errors() {
  const bge::Client api = sandbox_client();
  const bge::Error refused = ERROR_OF(api.get_variants(sandbox("/other_biosample_id"), "rs762551"));
  CHECK(refused.status() == BGE_ERR_API);
  CHECK(std::string(refused.name()) == "BGE_ERR_API");
  CHECK(refused.code() == 41303);
  CHECK(refused.http_status() == 200);
  CHECK(!refused.retryable());
  CHECK(holds(refused.what(), "get_variants") && holds(refused.message(), "41303"));
  CHECK(get(refused.json(), "/code") == "41303");

  CHECK(refused.call() == "get_variants" && refused.hint().empty() && !refused.retry_after());

  /* a copy outlives what it was copied from */
  auto original = std::make_unique<bge::Error>(refused);
  const bge::Error copy = *original;
  original.reset();
  CHECK(copy.message() == refused.message());

  const bge::Error bad = ERROR_OF(api.get_samples("[]"));
  CHECK(bad.status() == BGE_ERR_ARGUMENT && bad.code() == 0 && bad.http_status() == 0 && bad.request_id().empty());
  CHECK(holds(bad.message(), "args_json"));
  CHECK(ERROR_OF(bge::json_get("{", "/a")).status() == BGE_ERR_ARGUMENT);
  CHECK(!bge::json_get("{}", "/a").has_value());

  /* a std::string may hold a NUL; cut short at it, it would ask for another sample */
  const bge::Error cut = ERROR_OF(api.get_sample(sandbox("/biosample_id") + std::string("\0x", 2)));
  CHECK(cut.status() == BGE_ERR_ARGUMENT && holds(cut.message(), "biosample_id"));
}

static void moves() {
  bge::Client one = sandbox_client();
  bge::Client two = std::move(one);
  two.alive();
  CHECK(one.get() == nullptr); /* NOLINT: this is what is tested */
  CHECK(ERROR_OF(one.alive()).status() == BGE_ERR_ARGUMENT);
  one = std::move(two);
  one.alive();

  bge::OAuth2 application(sandbox("/credentials/client_id"), sandbox("/credentials/client_secret"), sandbox_options());
  const std::string token = application.get_credentials_token();
  bge::Client plain = application.get_api(get(token, "/access_token")), renewing = application.get_api();
  { const bge::OAuth2 gone = std::move(application); } /* its clients live on */
  CHECK(get(plain.get_samples(R"({"limit": 1})"), "/result/#") == "1");
  CHECK(get(renewing.get_samples(R"({"limit": 1})"), "/result/#") == "1");
  CHECK(get(renewing.get_token(), "/token_type") == "Bearer");
}

static void another_token() {
  const bge::Client api(std::string("wrong-token"), sandbox_options());
  CHECK(ERROR_OF(api.get_user()).status() == BGE_ERR_AUTH);
  api.set_token(sandbox("/access_token"));
  CHECK(get(api.get_token(), "/access_token") == sandbox("/access_token"));
  api.get_user();
  CHECK(ERROR_OF(api.set_token("")).status() == BGE_ERR_ARGUMENT);
  CHECK(ERROR_OF(api.set_token()).status() == BGE_ERR_ARGUMENT); /* it has no application whose token this could be */
  api.get_user();
}

static void oauth2() {
  const bge::OAuth2 user(sandbox("/authorization/client_id"), sandbox("/authorization/client_secret"),
                         sandbox_options());
  user.alive();
  const std::string bare = user.get_authorization_url("http://localhost/back");
  CHECK(!holds(bare, "state=") && !holds(bare, "scope="));
  const std::string full = user.get_authorization_url("http://localhost/back", "s", "profile");
  CHECK(holds(full, "scope=profile") && holds(full, "state=s"));
  CHECK(ERROR_OF(user.exchange_authorization_code("never-given", "http://localhost/back")).code() == 400);
  CHECK(ERROR_OF(user.exchange_refresh_token("never-given")).code() == 400);
  CHECK(ERROR_OF(user.get_api("")).status() == BGE_ERR_ARGUMENT);
}

/* What a log callback captures lives as long as the client needs it, and what it throws goes nowhere. */
static void logs() {
  const auto captured = std::make_shared<int>(0);
  {
    bge::Client api = sandbox_client(R"(, "log": "debug")");
    api.set_log([captured](int, std::string_view) {
      ++*captured;
      throw std::runtime_error("from the log");
    });
    CHECK(captured.use_count() == 2);
    api.get_user();
    CHECK(*captured > 0);
  }
  CHECK(captured.use_count() == 1);

  {
    const bge::OAuth2 application(sandbox("/credentials/client_id"), sandbox("/credentials/client_secret"),
                                  sandbox_options(R"(, "log": "debug")"));
    application.set_log([captured](int, std::string_view) { *captured = -1; });
    application.get_credentials_token();
    CHECK(*captured == -1);
  }
  CHECK(captured.use_count() == 1);

  bge::Client moved_from = sandbox_client();
  const bge::Client moved = std::move(moved_from);
  CHECK(ERROR_OF(moved_from.set_log([captured](int, std::string_view) {})).status() == BGE_ERR_ARGUMENT);
  CHECK(captured.use_count() == 1);
}

static void uploads() {
  const bge::Client api = sandbox_client();
  const std::string content("a NUL \0 and 中文", 18);
  const std::string up = api.upload("bytes.bin", content);
  CHECK(get(up, "/size") == std::to_string(content.size()));
  CHECK(get(up, "/verified") == "true");
  CHECK(get(api.upload("empty.bin", ""), "/crc64") == "0");
  CHECK(ERROR_OF(api.upload_file("/no/such/file")).status() == BGE_ERR_IO);
}

int main() {
  return check_all([] {
    calls();
    arguments();
    errors();
    moves();
    another_token();
    oauth2();
    logs();
    uploads();
  });
}

/* bge.hpp over tables: streams that own themselves, read to their end, left early, moved and cancelled. */
#include "check.hpp"

#include <type_traits>
#include <utility>

static_assert(!std::is_copy_constructible_v<bge::ArrowStream>);
static_assert(std::is_nothrow_move_constructible_v<bge::ArrowStream>);
static_assert(!std::is_copy_constructible_v<bge::Table> && std::is_move_constructible_v<bge::Table>);

/* Rows until the end, or -1 when a read fails. */
static std::int64_t read_all(bge::ArrowStream &stream) {
  std::int64_t rows = 0;
  for (;;) {
    ArrowArray batch{};
    if (stream.get()->get_next(stream.get(), &batch) != 0) return -1;
    if (batch.release == nullptr) return rows;
    rows += batch.length;
    batch.release(&batch);
  }
}

static void whole(const bge::Client &api, const std::string &args) {
  bge::ArrowStream stream = api.table("get_taxon_abundance", args);
  ArrowSchema schema{};
  CHECK(stream.get()->get_schema(stream.get(), &schema) == 0);
  CHECK(std::string(schema.format) == "+s");
  std::string names;
  for (std::int64_t i = 0; i < schema.n_children; i++) names += std::string(" ") + schema.children[i]->name;
  schema.release(&schema);
  CHECK(holds(names, " biosample_id") && holds(names, " taxonomy_taxon_id") && holds(names, " observation_value"));
  CHECK(holds(names, " extra"));

  std::int64_t walked = 0;
  for (const std::string &page : api.pages("get_taxon_abundance", args)) walked += std::stol(get(page, "/result/#"));
  CHECK(walked > 0);
  CHECK(read_all(stream) == walked);
}

/* a page that was fetched as JSON has the columns of the table */
static void of_a_page(const bge::Client &api, const std::string &args) {
  const std::string page = api.call("get_taxon_abundance", args);
  bge::ArrowStream rows = bge::rows("get_taxon_abundance", page);
  CHECK(read_all(rows) == std::stol(get(page, "/result/#")));
  CHECK(ERROR_OF(bge::rows("get_taxon_abundance", "no page")).status() == BGE_ERR_ARGUMENT);
}

static void handles(const bge::Client &api, const std::string &args) {
  bge::Table table = api.open_table("get_taxon_abundance", args);
  bge::ArrowStream stream = table.stream();
  CHECK(ERROR_OF(table.stream()).status() == BGE_ERR_CLOSED);
  bge::ArrowStream moved = std::move(stream);
  CHECK(stream.get()->release == nullptr); /* NOLINT: this is what is tested */
  const std::int64_t rows = read_all(moved);
  CHECK(rows > 0 && table.progress().rows == static_cast<std::uint64_t>(rows));
  CHECK(table.progress().samples_done == 1 && table.progress().samples == 1);
  CHECK(get(table.report(), "/failed/#") == "0");
  CHECK(get(table.report(), "/misfits") == "0");

  bge::Table cancelled = api.open_table("get_taxon_abundance", args);
  moved = cancelled.stream();
  cancelled.cancel();
  CHECK(read_all(moved) == -1);

  { const bge::ArrowStream unread = api.table("get_taxon_abundance", args); }
  bge::ArrowStream left = api.table("get_samples", R"({"limit": 5})");
  ArrowArray batch{};
  CHECK(left.get()->get_next(left.get(), &batch) == 0 && batch.length > 0);
  batch.release(&batch);

  /* nobody's samples: an empty table with its schema */
  bge::ArrowStream nothing = api.table("get_taxon_abundance", R"({"biosample_id": []})");
  CHECK(read_all(nothing) == 0);
  CHECK(ERROR_OF(api.table("get_user")).status() == BGE_ERR_ARGUMENT);
}

int main() {
  return check_all([] {
    const bge::Client api = sandbox_client();
    const std::string args = R"({"limit": 70, "biosample_id": ")" + sandbox("/meta_biosample_id") + "\"}";
    whole(api, args);
    of_a_page(api, args);
    handles(api, args);
  });
}

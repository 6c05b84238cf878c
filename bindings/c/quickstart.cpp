/*
 * The main job of quickstart.c in C++: sign in, list samples, look up variants, walk a microbiome profile,
 * upload a file, download it again, compare the two, and see what an error looks like.
 *
 *     c++ -std=c++17 quickstart.cpp -o quickstart $(pkg-config --cflags --libs bge)
 *     bge-sandbox run -- ./quickstart
 *
 * The environment is the same, too: BGE_ENDPOINT, BGE_ACCESS_TOKEN, BGE_CLIENT_ID and BGE_CLIENT_SECRET.
 */
#include "bge.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace fs = std::filesystem;

static std::string environment(const char *name) {
  const char *value = std::getenv(name);
  if (value == nullptr || *value == '\0')
    throw std::runtime_error(std::string(name) + " is not set. Try: bge-sandbox run -- ./quickstart");
  return value;
}

static std::string get(const std::string &json, const std::string &pointer) {
  return bge::json_get(json, pointer).value_or("?");
}

static std::size_t length(const std::string &json, const std::string &pointer) {
  return std::stoul(get(json, pointer + "/#"));
}

/* Lists samples of one kind (omics 1: genomes, 2: metagenomes) and gives the id of the first. */
static std::string list_samples(const bge::Client &api, const std::string &args) {
  const std::string samples = api.get_samples(args);
  for (std::size_t i = 0; i < length(samples, "/result"); i++) {
    const std::string sample = get(samples, "/result/" + std::to_string(i));
    std::cout << "  " << get(sample, "/biosample_id") << "  " << get(sample, "/omic/display") << "  "
              << get(sample, "/biosample_site/display") << "\n";
  }
  return get(samples, "/result/0/biosample_id");
}

static void look_up_variants(const bge::Client &api, const std::string &biosample_id) {
  const std::string variants = api.get_variants(biosample_id, "rs762551,rs333");
  std::cout << "Variants of " << biosample_id << ":\n";
  for (std::size_t i = 0; i < length(variants, ""); i++) {
    const std::string variant = get(variants, "/" + std::to_string(i));
    std::cout << "  " << get(variant, "/alternate_id/0") << "  " << get(variant, "/variant/chromosome") << ":"
              << get(variant, "/variant/position") << "  " << get(variant, "/variant/genotype") << "\n";
  }
}

static void walk_profile(const bge::Client &api, const std::string &biosample_id) {
  std::size_t pages = 0, taxa = 0;
  const auto args = bge::Args().add("biosample_id", biosample_id).add("limit", 100).json();
  for (const std::string &page : api.pages("get_taxon_abundance", args)) {
    pages++;
    taxa += length(page, "/result");
  }
  std::cout << "The microbiome of " << biosample_id << ": " << taxa << " taxa on " << pages << " pages.\n";
}

static std::string content(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

static void upload_and_download(const bge::Client &api) {
  std::string reads;
  for (int i = 0; i < 2000; i++) reads += ">read." + std::to_string(i) + "\nACGTTGCAACGTTGCA\n";

  const std::string uploaded = api.upload("reads.fasta", reads);
  const std::string object_name = get(uploaded, "/object_name");
  std::cout << "Uploaded " << get(uploaded, "/size") << " bytes as " << object_name << ".\n";

  const fs::path back = fs::temp_directory_path() / ("bge-quickstart-" + get(uploaded, "/crc64") + ".fasta");
  const std::string downloaded = api.download(object_name, back.string());
  const bool same = content(back) == reads;
  fs::remove(back);
  std::cout << "Downloaded it again (verified: " << get(downloaded, "/verified") << "): the two are "
            << (same ? "the same" : "DIFFERENT") << ".\n";
  if (!same) throw std::runtime_error("the download differs from the upload");
}

static void show_an_error(const bge::Client &api) {
  try {
    api.get_variants("E-B00000000000", "rs762551");
  } catch (const bge::Error &error) {
    std::cout << "What an error looks like:\n  " << error.name() << ", code " << error.code() << ": " << error.what()
              << "\n";
    return;
  }
  throw std::runtime_error("a sample that is nobody's has variants");
}

int main() try {
  const char *endpoint = std::getenv("BGE_ENDPOINT");
  bge::Args options;
  if (endpoint) options.add("endpoint", endpoint);

  std::cout << "libbge " << bge::version() << "\n";
  const bge::Client api(environment("BGE_ACCESS_TOKEN"), options);
  std::cout << "Signed in as the user " << get(api.get_user(), "/username") << ".\n";

  const bge::OAuth2 application(environment("BGE_CLIENT_ID"), environment("BGE_CLIENT_SECRET"), options);
  std::cout << "Signed in as an application, too: it sees "
            << length(application.get_api().get_samples(), "/result") << " samples on the first page.\n";

  std::cout << "Samples:\n";
  const std::string genome = list_samples(api, R"({"omics": "1", "limit": 3})");
  const std::string metagenome = list_samples(api, R"({"omics": "2", "limit": 3})");
  look_up_variants(api, genome);
  walk_profile(api, metagenome);
  upload_and_download(api);
  show_an_error(api);
  return 0;
} catch (const std::exception &error) {
  std::cerr << error.what() << "\n";
  return 1;
}

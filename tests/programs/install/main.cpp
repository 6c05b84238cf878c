/* The same in C++. */
#include <bge.hpp>

#include <cstdlib>
#include <iostream>

int main() try {
  const bge::Client api(std::getenv("BGE_ACCESS_TOKEN"),
                        R"({"endpoint": ")" + std::string(std::getenv("BGE_ENDPOINT")) + "\"}");
  std::cout << "libbge " << bge::version() << ": " << bge::json_get(api.get_user(), "/username").value() << "\n";
  return 0;
} catch (const std::exception &error) {
  std::cerr << error.what() << "\n";
  return 1;
}

/* What the C++ tests share. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <bge.hpp>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

inline int check_failures = 0;

inline void check(bool good, const char *file, int line, const char *what) {
  if (good) return;
  std::cerr << file << ":" << line << ": " << what << "\n";
  check_failures++;
}
#define CHECK(...) check((__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__)

inline bool holds(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

/* Runs `call` and gives the Error that it throws. */
template <class Call>
bge::Error error_of(Call call, int line) {
  try {
    call();
  } catch (const bge::Error &error) {
    return error;
  }
  throw std::runtime_error("line " + std::to_string(line) + ": no bge::Error was thrown");
}
#define ERROR_OF(...) error_of([&] { (void)(__VA_ARGS__); }, __LINE__)

inline std::string get(const std::string &json, const std::string &pointer) {
  const auto value = bge::json_get(json, pointer);
  if (!value) throw std::runtime_error("nothing at " + pointer + " of " + json.substr(0, 300));
  return *value;
}

/* A field of what the sandbox says about itself, such as "/biosample_id". */
inline std::string sandbox(const std::string &pointer) {
  const char *json = std::getenv("BGE_SANDBOX");
  if (json == nullptr) throw std::runtime_error("run this as: bge-sandbox run -- PROGRAM");
  return get(json, pointer);
}

inline std::string sandbox_options(const std::string &more = "") {
  return R"({"endpoint": ")" + sandbox("/endpoint") + "\"" + more + "}";
}

inline bge::Client sandbox_client(const std::string &more = "") {
  return bge::Client(sandbox("/access_token"), sandbox_options(more));
}

/* Runs a whole test program. */
template <class Test>
int check_all(Test test) {
  try {
    test();
  } catch (const std::exception &error) {
    std::cerr << "uncaught: " << error.what() << "\n";
    return 1;
  }
  if (check_failures > 0) std::cerr << check_failures << " checks failed\n";
  return check_failures > 0;
}

#endif

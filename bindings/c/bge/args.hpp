/** @file bge/args.hpp What the library is, and arguments as JSON. Included by bge.hpp. */
#ifndef BGE_ARGS_HPP
#define BGE_ARGS_HPP

#include <bge/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace bge {

/** "0.1.0" */
inline std::string version() { return bge_version(); }

/** What this build of the library has: a JSON object such as `{"arrow": true}`. */
inline std::string features() { return bge_features(); }

/** Every call the library knows, as a JSON list. */
inline std::string endpoints() { return bge_endpoints(); }

/**
 * The value at a JSON pointer (RFC 6901): strings decoded, anything else as its JSON text, an array's length by
 * ".../#". None when it is absent; Error when `json` is not JSON.
 */
inline std::optional<std::string> json_get(const std::string &json, const std::string &pointer) {
  return detail::maybe_text(bge_json_get, detail::in(json), detail::in(pointer));
}

/**
 * Arguments or options put together member by member: `bge::Args().add("limit", 10).add("omics", "1")` is taken
 * wherever a function wants `args` or `options`.
 */
class Args {
 public:
  Args() : args_(detail::make<bge_args_t>(bge_args_new)) {}

  Args &add(const std::string &name, const std::string &value) { return put(bge_args_add_text, name, detail::in(value)); }
  Args &add(const std::string &name, const char *value) { return put(bge_args_add_text, name, value); }
  Args &add(const std::string &name, bool value) { return put(bge_args_add_bool, name, value); }
  Args &add(const std::string &name, double value) { return put(bge_args_add_number, name, value); }
  /** Whole numbers of any type. */
  template <class Integer, std::enable_if_t<std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>, int> = 0>
  Args &add(const std::string &name, Integer value) {
    if constexpr (std::is_signed_v<Integer>) return put(bge_args_add_int, name, static_cast<std::int64_t>(value));
    else return add_json(name, std::to_string(value));
  }
  /** A value that is JSON text already. */
  Args &add_json(const std::string &name, const std::string &json) {
    return put(bge_args_add_json, name, detail::in(json));
  }

  /** The object so far. */
  std::string json() const { return detail::orelse(bge_args_json(args_.get()), "{}"); }
  operator std::string() const { return json(); }

 private:
  template <class Function, class Value>
  Args &put(Function function, const std::string &name, Value value) {
    detail::done(function, args_.get(), detail::in(name), value);
    return *this;
  }

  detail::Owned<bge_args_t> args_;
};

}  // namespace bge

#endif  // BGE_ARGS_HPP

/** @file bge/error.hpp Errors, and how functions of bge.h are called. Included by bge.hpp. */
#ifndef BGE_ERROR_HPP
#define BGE_ERROR_HPP

#include <bge.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace bge {

namespace detail {

struct Free {
  void operator()(char *p) const noexcept { bge_string_free(p); }
  void operator()(bge_error_t *p) const noexcept { bge_error_free(p); }
  void operator()(bge_args_t *p) const noexcept { bge_args_free(p); }
  void operator()(bge_api_t *p) const noexcept { bge_api_free(p); }
  void operator()(bge_oauth2_t *p) const noexcept { bge_oauth2_free(p); }
  void operator()(bge_op_t *p) const noexcept { bge_op_free(p); }
  void operator()(bge_ops_t *p) const noexcept { bge_ops_free(p); }
  void operator()(bge_pages_t *p) const noexcept { bge_pages_free(p); }
  void operator()(bge_reader_t *p) const noexcept { bge_reader_free(p); }
  void operator()(bge_writer_t *p) const noexcept { bge_writer_free(p); }
  void operator()(bge_table_t *p) const noexcept { bge_table_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

inline const char *orelse(const char *text, const char *otherwise) noexcept { return text ? text : otherwise; }

/* A NUL inside a std::string would cut it short without a word. The library refuses text that is not UTF-8 and
   names the argument, so that is what it gets instead. */
inline const char *in(const std::string &text) noexcept {
  return text.find('\0') == std::string::npos ? text.c_str() : "\xff";
}
inline std::int64_t in(std::int64_t number) noexcept { return number; }

/* Optional in C as NULL, here as the empty string. */
inline const char *in_or_null(const std::string &text) noexcept { return text.empty() ? nullptr : in(text); }

inline const std::uint8_t *bytes(std::string_view data) noexcept {
  return reinterpret_cast<const std::uint8_t *>(data.data());
}

}  // namespace detail

/** What a call that failed throws. Copies share one error, so copying never throws. */
class Error : public std::exception {
 public:
  /** Takes over `err`, which may be null. */
  Error(bge_status_t status, bge_error_t *err) : status_(status), err_(err, detail::Free()) {}

  /** One line: the call, what went wrong, what to do. */
  const char *what() const noexcept override { return detail::orelse(bge_error_message(err_.get()), name()); }
  std::string message() const { return what(); }
  /** One of BGE_ERR_…. */
  bge_status_t status() const noexcept { return status_; }
  /** The status by its name, such as "BGE_ERR_TIMEOUT". */
  const char *name() const noexcept { return bge_status_name(status_); }
  /** The platform's own code, such as 41303; 0 if it gave none. */
  std::int64_t code() const noexcept { return bge_error_code(err_.get()); }
  /** 0 if there was no answer. */
  int http_status() const noexcept { return bge_error_http_status(err_.get()); }
  /** Empty if the server gave none. */
  std::string request_id() const { return detail::orelse(bge_error_request_id(err_.get()), ""); }
  /** Would the same call be worth repeating? */
  bool retryable() const noexcept { return bge_error_retryable(err_.get()); }
  /** How many seconds the server wants to be left alone; none if it did not say. */
  std::optional<double> retry_after() const noexcept {
    const double seconds = bge_error_retry_after(err_.get());
    return seconds < 0 ? std::nullopt : std::optional<double>(seconds);
  }
  /** The call that failed, such as "get_variants"; empty if none. */
  std::string call() const { return detail::orelse(bge_error_call(err_.get()), ""); }
  /** What to do about it; empty if nothing is known. */
  std::string hint() const { return detail::orelse(bge_error_hint(err_.get()), ""); }
  /** All that is known, with the platform's msg and data. */
  std::string json() const { return detail::orelse(bge_error_json(err_.get()), "{}"); }

 private:
  bge_status_t status_;
  std::shared_ptr<bge_error_t> err_;
};

namespace detail {

inline void check(bge_status_t status, bge_error_t *err) { if (status != BGE_OK) throw Error(status, err); }

/* The functions of bge.h end in `bge_error_t **err`, most of them after an `out`: what is before these is passed on. */
template <class Function, class... Args>
void done(Function function, Args... args) {
  bge_error_t *err = nullptr;
  const bge_status_t status = function(args..., &err);
  check(status, err);
}

/* A call that gives a string; none where the library gives NULL. */
template <class Function, class... Args>
std::optional<std::string> maybe_text(Function function, Args... args) {
  char *out = nullptr;
  bge_error_t *err = nullptr;
  const bge_status_t status = function(args..., &out, &err);
  const Owned<char> owned(out);
  check(status, err);
  return out ? std::optional<std::string>(out) : std::nullopt;
}

template <class Function, class... Args>
std::string text(Function function, Args... args) {
  return maybe_text(function, args...).value_or(std::string());
}

/* A call that gives a handle. */
template <class Handle, class Function, class... Args>
Owned<Handle> make(Function function, Args... args) {
  Handle *out = nullptr;
  bge_error_t *err = nullptr;
  const bge_status_t status = function(args..., &out, &err);
  Owned<Handle> owned(out);
  check(status, err);
  return owned;
}

}  // namespace detail

}  // namespace bge

#endif  // BGE_ERROR_HPP

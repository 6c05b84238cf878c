/**
 * @file bge.hpp
 * libbge for C++17: one header over bge.h, nothing else to link than libbge.
 *
 * Handles are move-only and free themselves. What fails throws bge::Error. Results are the platform's `data`
 * as JSON text, byte for byte; read it with the JSON library of your choice, or with bge::json_get.
 * `args` is always one JSON object with the call's further arguments; "{}" means none, and bge::Args puts one together.
 *
 *     bge::Client api = bge::Client::open();
 *     for (const std::string &page : api.pages("get_taxon_abundance", bge::Args().add("biosample_id", id)))
 *       consume(page);
 *
 * Any number of threads may share a Client, an OAuth2 or an Operation through const references.
 */
#ifndef BGE_HPP
#define BGE_HPP

#include <bge.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <istream>
#include <iterator>
#include <memory>
#include <optional>
#include <streambuf>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bge {

namespace detail {

struct Free {
  void operator()(char *p) const noexcept { bge_string_free(p); }
  void operator()(bge_error_t *p) const noexcept { bge_error_free(p); }
  void operator()(bge_args_t *p) const noexcept { bge_args_free(p); }
  void operator()(bge_api_t *p) const noexcept { bge_api_free(p); }
  void operator()(bge_oauth2_t *p) const noexcept { bge_oauth2_free(p); }
  void operator()(bge_op_t *p) const noexcept { bge_op_free(p); }
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

/** A call that runs in the background. Destroying it cancels what still runs. */
class Operation {
 public:
  struct Progress {
    std::uint64_t done, total; /**< bytes, or pages; total 0: unknown */
  };

  Operation(Operation &&) noexcept = default;
  Operation &operator=(Operation &&other) noexcept {
    stop();
    op_ = std::move(other.op_);
    data_ = std::move(other.data_);
    return *this;
  }
  ~Operation() { stop(); }

  /** True once it is done; false when `timeout_ms` ran out first (negative: no limit). */
  bool wait(std::int64_t timeout_ms = -1) const {
    bool done = false;
    detail::done(bge_op_wait, op_.get(), timeout_ms, &done);
    return done;
  }
  Progress progress() const noexcept {
    Progress p{0, 0};
    bge_op_progress(op_.get(), &p.done, &p.total);
    return p;
  }
  /** From any thread, any number of times. */
  void cancel() const noexcept { bge_op_cancel(op_.get()); }
  /** The call's result, or its Error: once, when it is done. */
  std::string result() { return detail::text(bge_op_result, op_.get()); }
  /** Waits without limit, then gives the result. */
  std::string get() {
    wait();
    return result();
  }
  /** Readable once done, for event loops; -1 if there is none. Owned by the operation. */
  int fd() const noexcept { return bge_op_fd(op_.get()); }

 private:
  friend class Client;
  friend class OAuth2;
  friend class Pages;
  explicit Operation(detail::Owned<bge_op_t> op, std::unique_ptr<std::string> data = nullptr)
      : op_(std::move(op)), data_(std::move(data)) {}

  /* The library reads an upload's bytes until it is done, so they may not go first. A cancel takes 100 ms at most. */
  void stop() noexcept {
    if (!op_ || !data_) return;
    bool done = false;
    bge_op_cancel(op_.get());
    (void)bge_op_wait(op_.get(), -1, &done, nullptr);
  }

  detail::Owned<bge_op_t> op_;
  std::unique_ptr<std::string> data_;
};

/** The pages of a list call, one after another: `for (const std::string &page : pages)`. */
class Pages {
 public:
  /** The next page; none after the last. After an Error the same page is asked for again. */
  std::optional<std::string> next() { return detail::maybe_text(bge_pages_next, pages_.get()); }
  /** The next page in the background; its result is `null` after the last. */
  Operation start() { return Operation(detail::make<bge_op_t>(bge_pages_start, pages_.get())); }

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string *;
    using reference = const std::string &;

    iterator() = default;
    explicit iterator(Pages *pages) : pages_(pages), page_(pages->next()) {}
    reference operator*() const { return *page_; }
    pointer operator->() const { return &*page_; }
    iterator &operator++() {
      page_ = pages_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    /* Input iterators are only ever compared with the end. */
    friend bool operator==(const iterator &a, const iterator &b) { return !a.page_ && !b.page_; }
    friend bool operator!=(const iterator &a, const iterator &b) { return !(a == b); }

   private:
    Pages *pages_ = nullptr;
    std::optional<std::string> page_;
  };
  /** From any thread: a blocked next() ends within 100 ms, and so does every later one. */
  void cancel() const noexcept { bge_pages_cancel(pages_.get()); }

  iterator begin() { return iterator(this); }
  iterator end() { return iterator(); }

 private:
  friend class Client;
  explicit Pages(detail::Owned<bge_pages_t> pages) : pages_(std::move(pages)) {}
  detail::Owned<bge_pages_t> pages_;
};

/** A stored object, read as a stream. */
class Reader {
 public:
  /** Up to `capacity` bytes; 0 at the end, when all of it has been verified. */
  std::size_t read(void *buffer, std::size_t capacity) {
    std::size_t n = 0;
    detail::done(bge_reader_read, reader_.get(), static_cast<std::uint8_t *>(buffer), capacity, &n);
    return n;
  }
  /** All that is left. */
  std::string read_all() {
    std::string all;
    char buffer[65536];
    while (const std::size_t n = read(buffer, sizeof buffer)) all.append(buffer, n);
    return all;
  }
  /** From any thread: a blocked read ends within 100 ms. */
  void cancel() const noexcept { bge_reader_cancel(reader_.get()); }

 private:
  friend class Client;
  explicit Reader(detail::Owned<bge_reader_t> reader) : reader_(std::move(reader)) {}
  detail::Owned<bge_reader_t> reader_;
};

namespace detail {

/* A Reader's bytes as a stream buffer. What fails is kept: streams only turn bad. */
class ReadBuffer : public std::streambuf {
 public:
  explicit ReadBuffer(Reader reader) : reader_(std::move(reader)), bytes_(65536) {}
  const std::optional<Error> &error() const noexcept { return error_; }

 protected:
  int_type underflow() override {
    if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
    std::size_t n = 0;
    try {
      n = reader_.read(bytes_.data(), bytes_.size());
    } catch (const Error &error) {
      error_ = error;
      throw;
    }
    setg(bytes_.data(), bytes_.data(), bytes_.data() + n);
    return n == 0 ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  Reader reader_;
  std::vector<char> bytes_;
  std::optional<Error> error_;
};

}  // namespace detail

/**
 * A stored object as a std::istream: `bge::istream in(api.open_reader(name)); std::getline(in, line)`. The end of file
 * means that all of it came and was verified; on a failure the stream turns bad, and error() says why.
 */
class istream : public std::istream {
 public:
  explicit istream(Reader reader) : std::istream(nullptr), buffer_(std::move(reader)) { rdbuf(&buffer_); }
  istream(const istream &) = delete;
  istream &operator=(const istream &) = delete;
  /** Why the stream turned bad; none while it has not. */
  const std::optional<Error> &error() const noexcept { return buffer_.error(); }

 private:
  detail::ReadBuffer buffer_;
};

/** An object being written. Only finish() makes it appear under its name. */
class Writer {
 public:
  void write(std::string_view data) { detail::done(bge_writer_write, writer_.get(), detail::bytes(data), data.size()); }
  /** Commits; gives `{"object_name", "size", "crc64", "etag", "parts", "verified"}`. */
  std::string finish() { return detail::text(bge_writer_finish, writer_.get()); }
  /** Discards, on the store too. */
  void abort() { detail::done(bge_writer_abort, writer_.get()); }
  void cancel() const noexcept { bge_writer_cancel(writer_.get()); }

 private:
  friend class Client;
  explicit Writer(detail::Owned<bge_writer_t> writer) : writer_(std::move(writer)) {}
  detail::Owned<bge_writer_t> writer_;
};

/** An Arrow C stream that releases itself: hand get() to whatever imports Arrow. */
class ArrowStream {
 public:
  ArrowStream() = default;
  ArrowStream(ArrowStream &&other) noexcept : stream_(std::exchange(other.stream_, ArrowArrayStream{})) {}
  ArrowStream &operator=(ArrowStream &&other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~ArrowStream() { if (stream_.release != nullptr) stream_.release(&stream_); }
  ArrowArrayStream *get() noexcept { return &stream_; }

 private:
  ArrowArrayStream stream_{};
};

/** All pages of a list call, of one sample or of many, as columns. */
class Table {
 public:
  struct Progress {
    std::uint64_t rows, samples_done, samples;
  };

  /** The rows, once. The stream may outlive the table. */
  ArrowStream stream() {
    ArrowStream stream;
    detail::done(bge_table_stream, table_.get(), stream.get());
    return stream;
  }
  Progress progress() const noexcept {
    Progress p{0, 0, 0};
    bge_table_progress(table_.get(), &p.rows, &p.samples_done, &p.samples);
    return p;
  }
  /** From any thread: a blocked read of the stream ends within 100 ms. */
  void cancel() const noexcept { bge_table_cancel(table_.get()); }
  /** Gives `{"failed": […], "misfits": n}`. */
  std::string report() const { return detail::text(bge_table_report, table_.get()); }

 private:
  friend class Client;
  explicit Table(detail::Owned<bge_table_t> table) : table_(std::move(table)) {}
  detail::Owned<bge_table_t> table_;
};

/** The platform, for one access token. */
class Client {
 public:
  using Text = const std::string &;

  /** Receives one line of the log: 1 error, 2 info, 3 debug. */
  using Log = std::function<void(int level, std::string_view message)>;

  /** `options`: a JSON object such as `{"endpoint": "https://…", "timeout": 30}`. */
  explicit Client(Text access_token, Text options = "{}")
      : api_(detail::make<bge_api_t>(bge_api_new, detail::in(access_token), detail::in(options))) {}

  /** Finds the credentials itself: options, environment, stored profile. */
  static Client open(Text options = "{}") { return Client(detail::make<bge_api_t>(bge_api_open, detail::in(options))); }

  /** For functions of bge.h that have no method here. Owned by the client. */
  bge_api_t *get() const noexcept { return api_.get(); }

  /**
   * Sends the log to `log`, from any thread, one line at a time. It must not call the library; what it throws is
   * dropped. It is kept until the client is done with it.
   */
  void set_log(Log log) const {
    const auto deliver = [](void *userdata, std::int32_t level, const char *message) {
      try {
        (*static_cast<Log *>(userdata))(level, message);
      } catch (...) {
        /* nothing may unwind through the library */
      }
    };
    const auto drop = [](void *userdata) { delete static_cast<Log *>(userdata); };
    /* `drop` runs whether the call succeeds or not */
    detail::done(bge_api_set_log, get(), deliver, new Log(std::move(log)), drop);
  }

  /** Ends whatever is under way, from any thread: operations, pages, transfers, tables. The client stays usable. */
  void cancel() const noexcept { bge_api_cancel(get()); }

  /** Another token from now on, as OAuth2::get_api takes it; what is under way goes on with the one that it has. */
  void set_token(Text token) const { detail::done(bge_api_set_token, get(), detail::in(token)); }
  /** The application's own token from now on. */
  void set_token() const { detail::done(bge_api_set_token, get(), nullptr); }

  /** The token in use, as JSON: a rotated refresh token can be kept. */
  std::string get_token() const { return detail::text(bge_api_get_token, get()); }

  /* ---- any call, by name ---- */

  std::string call(Text name, Text args = "{}") const { return run(bge_api_call, args, name); }
  /** An endpoint that the library does not know yet. */
  std::string request(Text method, Text path, Text args = "{}") const {
    return run(bge_api_request, args, method, path);
  }
  Operation start(Text name, Text args = "{}") const {
    return Operation(detail::make<bge_op_t>(bge_api_start, get(), detail::in(name), detail::in(args)));
  }
  Pages pages(Text name, Text args = "{}") const {
    return Pages(detail::make<bge_pages_t>(bge_api_pages, get(), detail::in(name), detail::in(args)));
  }
  /** `biosample_id` may be an array here: the rows of all these samples, in its order. */
  ArrowStream table(Text name, Text args = "{}") const { return open_table(name, args).stream(); }
  Table open_table(Text name, Text args = "{}") const {
    return Table(detail::make<bge_table_t>(bge_api_open_table, get(), detail::in(name), detail::in(args)));
  }

  /* ---- account ---- */

  /** Throws when the platform cannot be reached or refuses. */
  void alive() const { detail::done(bge_api_alive, get()); }
  /** What is wrong between this client and the platform, as JSON: see bge_api_doctor. */
  std::string doctor(Text args = "{}") const { return run(bge_api_doctor, args); }
  /** Is the token in use active, whose is it, what may it do. */
  std::string introspect(Text args = "{}") const { return run(bge_api_introspect, args); }
  std::string get_user(Text args = "{}") const { return run(bge_api_get_user, args); }
  std::string get_overview(Text args = "{}") const { return run(bge_api_get_overview, args); }

  /* ---- samples ---- */

  std::string get_samples(Text args = "{}") const { return run(bge_api_get_samples, args); }
  std::string get_sample(Text biosample_id, Text args = "{}") const {
    return run(bge_api_get_sample, args, biosample_id);
  }
  std::string externals(Text project_id, std::int64_t biosample_site, Text external_ids, Text args = "{}") const {
    return run(bge_api_externals, args, project_id, biosample_site, external_ids);
  }
  /** Gives `{"biosample_id"}`. Never repeated by itself. */
  std::string register_sample(Text external_sample_id, std::int64_t biosample_site, Text project_id,
                              Text args = "{}") const {
    return run(bge_api_register_sample, args, external_sample_id, biosample_site, project_id);
  }
  /** `args` holds the fields to set; one that is set can't be changed. */
  std::string improve_sample(Text biosample_id, Text args = "{}") const {
    return run(bge_api_improve_sample, args, biosample_id);
  }

  /* ---- variants ---- */

  /** `rsids`: one or more, separated by commas. */
  std::string get_variants(Text biosample_id, Text rsids, Text args = "{}") const {
    return run(bge_api_get_variants, args, biosample_id, rsids);
  }
  /** `args` holds exactly one of `regions` and `bed_file`. */
  std::string professional_variant(Text biosample_id, Text args = "{}") const {
    return run(bge_api_professional_variant, args, biosample_id);
  }

  /* ---- microbiome ---- */

  std::string get_taxon_abundance(Text biosample_id, Text args = "{}") const {
    return run(bge_api_get_taxon_abundance, args, biosample_id);
  }
  std::string get_func_abundance(Text biosample_id, Text catalog, Text args = "{}") const {
    return run(bge_api_get_func_abundance, args, biosample_id, catalog);
  }
  std::string get_gene_abundance(Text biosample_id, Text catalog, Text data_type, Text args = "{}") const {
    return run(bge_api_get_gene_abundance, args, biosample_id, catalog, data_type);
  }

  /* ---- files ---- */

  std::string get_upload_token(Text args = "{}") const { return run(bge_api_get_upload_token, args); }
  /** Gives `{"url", "expires"}`. */
  std::string get_download_url(Text object_name, Text args = "{}") const {
    return run(bge_api_get_download_url, args, object_name);
  }
  std::string ferry_to_oss(Text account, Text password, Text project_no, std::int64_t biosample_cnt,
                           Text args = "{}") const {
    return run(bge_api_ferry_to_oss, args, account, password, project_no, biosample_cnt);
  }

  /** The object's name under the token's destination is `filename`, its content `data`. */
  std::string upload(Text filename, std::string_view data, Text args = "{}") const {
    return detail::text(bge_api_upload, get(), detail::in(filename), detail::bytes(data), data.size(),
                        detail::in(args));
  }
  Operation start_upload(Text filename, std::string data, Text args = "{}") const {
    auto kept = std::make_unique<std::string>(std::move(data));
    auto op = detail::make<bge_op_t>(bge_api_start_upload, get(), detail::in(filename), detail::bytes(*kept),
                                     kept->size(), detail::in(args));
    return Operation(std::move(op), std::move(kept));
  }
  /** Uploads and downloads give what was transferred: `object_name` or `path`, `size`, `crc64`, `verified`. */
  std::string upload_file(Text path, Text args = "{}") const { return run(bge_api_upload_file, args, path); }
  std::string upload_dir(Text path, Text args = "{}") const { return run(bge_api_upload_dir, args, path); }
  /** `files`: a JSON list of `{"path", "filename"}`. */
  std::string batch_upload(Text files, Text args = "{}") const { return run(bge_api_batch_upload, args, files); }
  /** `path`: a file, or a folder that takes the object's name. */
  std::string download(Text object_name, Text path, Text args = "{}") const {
    return run(bge_api_download, args, object_name, path);
  }
  std::string download_file(Text url, Text path, Text args = "{}") const {
    return run(bge_api_download_file, args, url, path);
  }
  /** Opening sends nothing: the first read or write does. */
  Reader open_reader(Text object_name, Text args = "{}") const {
    return Reader(detail::make<bge_reader_t>(bge_api_open_reader, get(), detail::in(object_name), detail::in(args)));
  }
  Writer open_writer(Text filename, Text args = "{}") const {
    return Writer(detail::make<bge_writer_t>(bge_api_open_writer, get(), detail::in(filename), detail::in(args)));
  }

  /* ---- streams and data items ---- */

  std::string get_range_stream(Text data_element_id, Text args = "{}") const {
    return run(bge_api_get_range_stream, args, data_element_id);
  }
  std::string aggregate_omics_data(Text data_element_id, Text time_dimension, Text start_time, Text args = "{}") const {
    return run(bge_api_aggregate_omics_data, args, data_element_id, time_dimension, start_time);
  }
  /** `stream_data`: a JSON object. */
  std::string write_phenotype(Text biosample_id, Text data_element_id, Text stream_generate_time, Text stream_data,
                              Text args = "{}") const {
    return run(bge_api_write_phenotype, args, biosample_id, data_element_id, stream_generate_time, stream_data);
  }
  std::string get_data_items(Text name_space, Text biosample_id, Text args = "{}") const {
    return run(bge_api_get_data_items, args, name_space, biosample_id);
  }

  /* ---- models ---- */

  /** `args` holds the model's own parameters. */
  std::string invoke_model(Text model_id, Text args = "{}") const { return run(bge_api_invoke_model, args, model_id); }
  std::string invoke_draft_model(Text model_id, Text args = "{}") const {
    return run(bge_api_invoke_draft_model, args, model_id);
  }
  /** `args` holds at most one of `source_file` and `object_name`; with neither, only the configuration changes. */
  std::string deploy_model(Text model_id, Text args = "{}") const { return run(bge_api_deploy_model, args, model_id); }
  std::string publish_model(Text model_id, Text message, Text args = "{}") const {
    return run(bge_api_publish_model, args, model_id, message);
  }
  std::string rollback_model(Text model_id, std::int64_t version, Text args = "{}") const {
    return run(bge_api_rollback_model, args, model_id, version);
  }
  std::string model_versions(Text model_id, Text args = "{}") const {
    return run(bge_api_model_versions, args, model_id);
  }
  std::string upload_model_expfs(Text model_id, Text expfs, Text args = "{}") const {
    return run(bge_api_upload_model_expfs, args, model_id, expfs);
  }
  std::string model_license(Text model_id, Text args = "{}") const {
    return run(bge_api_model_license, args, model_id);
  }
  std::string task(Text task_id, Text args = "{}") const { return run(bge_api_task, args, task_id); }
  /** Asks for the task until it is done, has failed, or the deadline has passed. */
  std::string wait_task(Text task_id, Text args = "{}") const { return run(bge_api_wait_task, args, task_id); }
  /** `doc_content`: any JSON value. */
  std::string upload_model_doc(Text doc_tab, Text model_id, Text doc_content, Text args = "{}") const {
    return run(bge_api_upload_model_doc, args, doc_tab, model_id, doc_content);
  }

  /* ---- services and reports ---- */

  std::string send_sms(Text sms_template, Text mobiles, Text args = "{}") const {
    return run(bge_api_send_sms, args, sms_template, mobiles);
  }
  std::string applet_url(Text code, Text args = "{}") const { return run(bge_api_applet_url, args, code); }
  std::string verify_id_meta(Text idcard, Text realname, Text args = "{}") const {
    return run(bge_api_verify_id_meta, args, idcard, realname);
  }
  std::string report_collection(Text biosample_id, Text args = "{}") const {
    return run(bge_api_report_collection, args, biosample_id);
  }
  std::string report_details(Text biosample_id, Text domain, Text args = "{}") const {
    return run(bge_api_report_details, args, biosample_id, domain);
  }
  std::string report_detail(Text biosample_id, Text domain_version, Text report_id, Text args = "{}") const {
    return run(bge_api_report_detail, args, biosample_id, domain_version, report_id);
  }
  std::string dictionaries(Text biosample_id, Text args = "{}") const {
    return run(bge_api_dictionaries, args, biosample_id);
  }
  std::string merit_cards(Text biosample_id, Text args = "{}") const {
    return run(bge_api_merit_cards, args, biosample_id);
  }

 private:
  friend class OAuth2;
  explicit Client(detail::Owned<bge_api_t> api) : api_(std::move(api)) {}

  /* Every endpoint's function has the same shape: its required arguments, then `args`, then the result. */
  template <class Function, class... Required>
  std::string run(Function function, Text args, const Required &...required) const {
    return detail::text(function, get(), detail::in(required)..., detail::in(args));
  }

  detail::Owned<bge_api_t> api_;
};

/** An application on the platform: how tokens are got and renewed. */
class OAuth2 {
 public:
  OAuth2(const std::string &client_id, const std::string &client_secret, const std::string &options = "{}")
      : oauth2_(detail::make<bge_oauth2_t>(bge_oauth2_new, detail::in(client_id), detail::in(client_secret),
                                           detail::in(options))) {}

  bge_oauth2_t *get() const noexcept { return oauth2_.get(); }

  void alive() const { detail::done(bge_oauth2_alive, get()); }
  /** Where the user's browser goes; nothing is sent. `scopes`: separated by spaces or commas. Empty: left out. */
  std::string get_authorization_url(const std::string &redirect_uri, const std::string &state = "",
                                    const std::string &scopes = "") const {
    return detail::text(bge_oauth2_get_authorization_url, get(), detail::in(redirect_uri), detail::in_or_null(state),
                        detail::in_or_null(scopes));
  }
  std::string exchange_authorization_code(const std::string &code, const std::string &redirect_uri) const {
    return detail::text(bge_oauth2_exchange_authorization_code, get(), detail::in(code), detail::in(redirect_uri));
  }
  /** Spends `refresh_token`: the answer holds the next one. */
  std::string exchange_refresh_token(const std::string &refresh_token) const {
    return detail::text(bge_oauth2_exchange_refresh_token, get(), detail::in(refresh_token));
  }
  std::string get_credentials_token() const { return detail::text(bge_oauth2_get_credentials_token, get()); }
  /** A client for an access token, or for the JSON of one of the exchanges, which makes it renew itself. */
  Client get_api(const std::string &token) const {
    return Client(detail::make<bge_api_t>(bge_oauth2_get_api, get(), detail::in(token)));
  }
  /** A client with client credentials, fetched when first needed. */
  Client get_api() const { return Client(detail::make<bge_api_t>(bge_oauth2_get_api, get(), nullptr)); }
  /** One of the exchanges above, in the background. */
  Operation start(const std::string &name, const std::string &args = "{}") const {
    return Operation(detail::make<bge_op_t>(bge_oauth2_start, get(), detail::in(name), detail::in(args)));
  }

 private:
  detail::Owned<bge_oauth2_t> oauth2_;
};

}  // namespace bge

#endif  // BGE_HPP

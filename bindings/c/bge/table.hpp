/** @file bge/table.hpp Lists as columns. Included by bge.hpp. */
#ifndef BGE_TABLE_HPP
#define BGE_TABLE_HPP

#include <bge/error.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace bge {

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

/** The rows of a page that was fetched as JSON, as the columns that a table of the same list call has. Nothing is sent. */
inline ArrowStream rows(const std::string &name, const std::string &page) {
  ArrowStream stream;
  detail::done(bge_rows, detail::in(name), detail::in(page), stream.get());
  return stream;
}

}  // namespace bge

#endif  // BGE_TABLE_HPP

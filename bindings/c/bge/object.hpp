/** @file bge/object.hpp Stored objects as streams. Included by bge.hpp. */
#ifndef BGE_OBJECT_HPP
#define BGE_OBJECT_HPP

#include <bge/error.hpp>

#include <cstddef>
#include <cstdint>
#include <ios>
#include <istream>
#include <limits>
#include <optional>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bge {

/** A stored object, read as a stream. */
class Reader {
 public:
  /** Up to `capacity` bytes; 0 at the end, when all of it has been verified. */
  std::size_t read(void *buffer, std::size_t capacity) {
    std::size_t n = 0;
    detail::done(bge_reader_read, reader_.get(), static_cast<std::uint8_t *>(buffer), capacity, &n);
    return n;
  }
  /** Up to `capacity` bytes from a place, which reading in order does not move; fewer only at the end. From any thread. */
  std::size_t read_at(std::uint64_t offset, void *buffer, std::size_t capacity) const {
    std::size_t n = 0;
    detail::done(bge_reader_read_at, reader_.get(), offset, static_cast<std::uint8_t *>(buffer), capacity, &n);
    return n;
  }
  /** How many bytes there are. */
  std::uint64_t size() {
    std::uint64_t size = 0;
    detail::done(bge_reader_size, reader_.get(), &size);
    return size;
  }
  /** Goes to a place; nothing is sent, and beyond the end nothing is read. */
  void seek(std::uint64_t offset) { detail::done(bge_reader_seek, reader_.get(), offset); }
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

 private:
  template <class Work>
  auto kept(Work work) {
    try {
      return work();
    } catch (const Error &error) {
      error_ = error;
      throw;
    }
  }

 protected:
  int_type underflow() override {
    if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
    const std::size_t n = kept([this] { return reader_.read(bytes_.data(), bytes_.size()); });
    setg(bytes_.data(), bytes_.data(), bytes_.data() + n);
    end_ += static_cast<off_type>(n);
    return n == 0 ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode which) override {
    off_type base = 0;
    if (from == std::ios_base::cur) base = end_ - (egptr() - gptr());
    if (from == std::ios_base::end) base = static_cast<off_type>(kept([this] { return reader_.size(); }));
    const bool is_too_far = offset > 0 && base > std::numeric_limits<off_type>::max() - offset;
    return is_too_far ? pos_type(off_type(-1)) : seekpos(base + offset, which);
  }

  pos_type seekpos(pos_type to, std::ios_base::openmode which) override {
    const off_type place = to;
    if (place < 0 || (which & std::ios_base::in) == 0) return pos_type(off_type(-1));
    const off_type begin = end_ - (egptr() - eback());
    if (place >= begin && place <= end_) {
      setg(eback(), eback() + (place - begin), egptr());
    } else {
      kept([this, place] { return reader_.seek(static_cast<std::uint64_t>(place)), 0; });
      setg(nullptr, nullptr, nullptr);
      end_ = place;
    }
    return place;
  }

 private:
  Reader reader_;
  std::vector<char> bytes_;
  off_type end_ = 0; /* the place of what comes after the buffer */
  std::optional<Error> error_;
};

}  // namespace detail

/**
 * A stored object as a std::istream: `bge::istream in(api.open_reader(name)); std::getline(in, line)`. seekg goes anywhere,
 * and only what is read then is fetched. Without it the end of file means that all of the object came and was verified;
 * on a failure the stream turns bad, and error() says why.
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

}  // namespace bge

#endif  // BGE_OBJECT_HPP

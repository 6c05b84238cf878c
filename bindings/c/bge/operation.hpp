/** @file bge/operation.hpp Calls in the background. Included by bge.hpp. */
#ifndef BGE_OPERATION_HPP
#define BGE_OPERATION_HPP

#include <bge/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bge {

/** A call that runs in the background, or is yet to be run. Destroying it cancels what still runs. */
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
  /** Carries out what Client::prepare made ready, on this thread, and gives its result; cancel() ends it from any other. */
  std::string run() const { return detail::text(bge_op_run, op_.get()); }
  /** Readable once done, for event loops; -1 if there is none. Owned by the operation. */
  int fd() const noexcept { return bge_op_fd(op_.get()); }

 private:
  friend class Client;
  friend class OAuth2;
  friend class Pages;
  friend class Queue;
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

/**
 * Where operations that have ended line up, each by a key of the caller's own: one place to wait for any number of them.
 * Any number of threads may share one through const references.
 */
class Queue {
 public:
  Queue() : ops_(detail::make<bge_ops_t>(bge_ops_new)) {}

  /** Has the operation's end told here, once; at once if it has ended. It has one queue at most. */
  void add(const Operation &operation, std::uint64_t key) const {
    detail::done(bge_ops_add, ops_.get(), operation.op_.get(), key);
  }
  /** Lines a key up that is no operation's, to wake whoever waits. */
  void post(std::uint64_t key) const noexcept { bge_ops_post(ops_.get(), key); }
  /** Keys in the order in which they came, up to `most`; none when `timeout_ms` ran out first (negative: no limit). */
  std::vector<std::uint64_t> wait(std::int64_t timeout_ms = -1, std::size_t most = 64) const {
    std::vector<std::uint64_t> keys(most);
    std::size_t n = 0;
    detail::done(bge_ops_wait, ops_.get(), timeout_ms, keys.data(), keys.size(), &n);
    keys.resize(n);
    return keys;
  }
  /** Readable while there are keys, for event loops; -1 if there is none. Owned by the queue. */
  int fd() const noexcept { return bge_ops_fd(ops_.get()); }

 private:
  detail::Owned<bge_ops_t> ops_;
};

}  // namespace bge

#endif  // BGE_OPERATION_HPP

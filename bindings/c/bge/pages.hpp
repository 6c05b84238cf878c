/** @file bge/pages.hpp Lists, page by page. Included by bge.hpp. */
#ifndef BGE_PAGES_HPP
#define BGE_PAGES_HPP

#include <bge/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace bge {

/** The pages of a list call, one after another: `for (const std::string &page : pages)`. */
class Pages {
 public:
  /** The next page; none after the last. After an Error the same page is asked for again. */
  std::optional<std::string> next() { return detail::maybe_text(bge_pages_next, pages_.get()); }
  /** The next page in the background; its result is `null` after the last. It ends within `timeout_ms`, if that is not
      negative. */
  Operation start(std::int64_t timeout_ms = -1) {
    return Operation(detail::make<bge_op_t>(bge_pages_start_within, pages_.get(), timeout_ms));
  }

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

}  // namespace bge

#endif  // BGE_PAGES_HPP

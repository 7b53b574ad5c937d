#pragma once

#include <boost/beast/core/buffer_traits.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <string>

#include "gateway/edge/budget.h"

namespace quartermaster::gateway {

// The body of a request, in the terms of the HTTP library. It takes room for each byte as it comes
// and none for what is only announced; a byte that finds no room ends the reading with
// `not_enough_memory`.
struct CountedBody {
  struct value_type {
    std::string bytes;
    // Must be set before the first byte comes.
    Budget::Part* room = nullptr;
  };

  class reader {
   public:
    template <bool kIsRequest, typename Fields>
    reader(boost::beast::http::header<kIsRequest, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<uint64_t>&, boost::system::error_code& error) { error = {}; }

    template <typename Buffers>
    size_t put(const Buffers& buffers, boost::system::error_code& error) {
      const size_t size = boost::beast::buffer_bytes(buffers);
      if (!body_.room->Take(static_cast<int64_t>(size))) {
        error = make_error_code(boost::system::errc::not_enough_memory);
        return 0;
      }
      for (const auto piece : boost::beast::buffers_range_ref(buffers)) {
        body_.bytes.append(static_cast<const char*>(piece.data()), piece.size());
      }
      error = {};
      return size;
    }

    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace quartermaster::gateway

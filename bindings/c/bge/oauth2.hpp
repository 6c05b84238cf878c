/** @file bge/oauth2.hpp How one signs in. Included by bge.hpp. */
#ifndef BGE_OAUTH2_HPP
#define BGE_OAUTH2_HPP

#include <bge/client.hpp>

#include <string>
#include <utility>

namespace bge {

/** An application on the platform: how tokens are got and renewed. */
class OAuth2 {
 public:
  OAuth2(const std::string &client_id, const std::string &client_secret, const std::string &options = "{}")
      : oauth2_(detail::make<bge_oauth2_t>(bge_oauth2_new, detail::in(client_id), detail::in(client_secret),
                                           detail::in(options))) {}

  bge_oauth2_t *get() const noexcept { return oauth2_.get(); }

  /** As Client::set_log, of the exchanges. */
  void set_log(Client::Log log) const { detail::set_log(bge_oauth2_set_log, get(), std::move(log)); }

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

#endif  // BGE_OAUTH2_HPP

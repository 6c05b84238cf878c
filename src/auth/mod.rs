//! Who a client is for the platform: tokens found, exchanged, renewed and shared. Knows the transport, and no call.

pub(crate) mod account;
pub(crate) mod discover;
mod found;
pub(crate) mod grants;
mod holder;
mod ini;
mod profile;
pub(crate) mod profiles;
pub(crate) mod renew;
pub(crate) mod token;
mod token_store;

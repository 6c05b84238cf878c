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

#include <bge/args.hpp>
#include <bge/client.hpp>
#include <bge/error.hpp>
#include <bge/oauth2.hpp>
#include <bge/object.hpp>
#include <bge/operation.hpp>
#include <bge/pages.hpp>
#include <bge/table.hpp>

#endif  // BGE_HPP

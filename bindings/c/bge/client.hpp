/** @file bge/client.hpp The platform. Included by bge.hpp. */
#ifndef BGE_CLIENT_HPP
#define BGE_CLIENT_HPP

#include <bge/args.hpp>
#include <bge/object.hpp>
#include <bge/operation.hpp>
#include <bge/pages.hpp>
#include <bge/table.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace bge {

namespace detail {

using Log = std::function<void(int level, std::string_view message)>;

template <class Function, class Handle>
void set_log(Function function, Handle *handle, Log log) {
  const auto deliver = [](void *userdata, std::int32_t level, const char *message) {
    try {
      (*static_cast<Log *>(userdata))(level, message);
    } catch (...) {
      /* nothing may unwind through the library */
    }
  };
  const auto drop = [](void *userdata) { delete static_cast<Log *>(userdata); };
  /* `drop` runs whether the call succeeds or not */
  done(function, handle, deliver, new Log(std::move(log)), drop);
}

}  // namespace detail

/** The platform, for one access token. */
class Client {
 public:
  using Text = const std::string &;

  /** Receives one line of the log: 1 error, 2 info, 3 debug. */
  using Log = detail::Log;

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
  void set_log(Log log) const { detail::set_log(bge_api_set_log, get(), std::move(log)); }

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
  /** Any call of start(), made ready: Operation::run carries it out on the thread that wants its result. */
  Operation prepare(Text name, Text args = "{}") const {
    return Operation(detail::make<bge_op_t>(bge_api_prepare, get(), detail::in(name), detail::in(args)));
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

  /** `rsids`: one or more, separated by commas. Positions are counted from 1 on GRCh38, as in VCF and dbSNP. */
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

}  // namespace bge

#endif  // BGE_CLIENT_HPP

//! Models: running, deploying, versions, licences, tasks.

use super::{Arg, Column, Encoding, Endpoint, Pages, Rule, Type};

const NOUN: &str = "models";
const MODEL: Arg = Arg::new("model_id", Type::Text, "model id").required();

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get(
        "invoke_model",
        NOUN,
        "/model/{model_id}",
        "Runs a model; its parameters are passed on as given.",
    )
    .repeatable(false)
    .free_args()
    .args(&[MODEL]),
    Endpoint::get(
        "invoke_draft_model",
        NOUN,
        "/model/{model_id}/draft",
        "Runs a model's draft; parameters as given.",
    )
    .repeatable(false)
    .free_args()
    .args(&[MODEL]),
    Endpoint::post(
        "deploy_model",
        NOUN,
        "/model/deploy",
        "Deploys a model from a zip on disk or in the object store, or changes its configuration.",
    )
    .args(&[
        MODEL,
        Arg::new("source_file", Type::File, "path of a zip"),
        Arg::new("object_name", Type::Text, "an uploaded zip"),
        Arg::new("handler", Type::Text, "entry point; index.handler on the platform; not with object_name"),
        Arg::new("comment", Type::Text, "a remark; not with object_name"),
        Arg::new("runtime", Type::Text, "python3 on the platform"),
        Arg::new("memory_size", Type::Integer, "MB; 128 on the platform"),
        Arg::new("cpu", Type::Number, "cores; 0.05 on the platform; with object_name"),
        Arg::new("disk_size", Type::Integer, "MB; 512 on the platform; with object_name"),
        Arg::new("timeout", Type::Integer, "seconds that the model may run; 900 on the platform"),
    ])
    .rules(&[Rule::Excludes("source_file", &["object_name"])]),
    Endpoint::post("publish_model", NOUN, "/model/publish", "Publishes a model's draft.")
        .args(&[MODEL, Arg::new("message", Type::Text, "what is new").required()]),
    Endpoint::post("rollback_model", NOUN, "/model/rollback", "Goes back to a deployed version of a model.")
        .args(&[MODEL, Arg::new("version", Type::Integer, "version").required()]),
    Endpoint::get(
        "model_versions",
        NOUN,
        "/model/{model_id}/versions",
        "The versions of a model, page by page.",
    )
    .args(&[
        MODEL,
        Arg::new("limit", Type::Integer, "rows of a page").default("10"),
        Arg::new("next_page", Type::Token, "the last answer's next_page"),
    ])
    .pages(Pages::Token)
    .columns(&[
        Column::int("version", "/version").about("number of the version"),
        Column::text("message", "/message").about("what its author said of it"),
        Column::int("create_time", "/create_time").unit("seconds since 1970").about("when it was published"),
        Column::bool("current", "/current").about("whether it is the one in use"),
    ]),
    Endpoint::post("upload_model_expfs", NOUN, "/model/expfs/upload", "Uploads a model's expfs zip.")
        .args(&[MODEL, Arg::new("expfs", Type::File, "path of a zip").required()]),
    Endpoint::post("model_license", NOUN, "/model/license", "A licence to run a model.").args(&[
        MODEL,
        Arg::new("expires", Type::Integer, "seconds that it is good for").default("60"),
        Arg::new("params", Type::Any, "the model's parameters, any JSON value"),
    ]),
    Endpoint::get("task", NOUN, "/task/{task_id}", "The state and result of a task.").args(&[Arg::new(
        "task_id",
        Type::Text,
        "task id",
    )
    .required()]),
    Endpoint::post(
        "upload_model_doc",
        NOUN,
        "/model/doc_upload",
        "Uploads a tab of a model's documentation.",
    )
    .encoding(Encoding::Json)
    .args(&[
        Arg::new("doc_tab", Type::Text, "tab").required(),
        MODEL,
        Arg::new("doc_content", Type::Any, "any JSON value").required(),
    ]),
];

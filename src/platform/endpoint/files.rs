//! Files in the object store.

use super::{Arg, Endpoint, Grants, Kind, Type};

const NOUN: &str = "files";

const PART_SIZE: Arg =
    Arg::new("part_size", Type::Integer, "bytes of a part; 50 MiB, in a writer 8 MiB").least(1);
const THRESHOLD: Arg =
    Arg::new("multipart_threshold", Type::Integer, "bytes from which parts are used; 100 MiB").least(0);
const PARTS: Arg = Arg::new("multipart_num_threads", Type::Integer, "parts sent at once; 4").least(1);
const CMK: Arg = Arg::new(
    "cmk_id",
    Type::Text,
    "master key of the key service: the object is encrypted before it is sent",
);
const DECRYPT: Arg = Arg::new("decrypt", Type::Bool, "decrypt what was encrypted before it was stored; true");
const REGION: Arg = Arg::new("region_id", Type::Text, "the store's region");
const INTERNAL: Arg = Arg::new("internal", Type::Bool, "use the store's internal address").default("False");
const CHECKPOINT: Arg =
    Arg::new("checkpoint_dir", Type::Text, "folder that keeps what a later call needs to resume");
const DOWNLOAD_REGION: Arg =
    Arg::new("region", Type::Text, "domestic or international; domestic on the platform");
const EXPIRES: Arg =
    Arg::new("expiration_time", Type::Integer, "seconds that the URL is good for").default("600");

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("get_upload_token", NOUN, "/sts/token", "Temporary credentials for the object store.")
        .repeatable(true)
        .args(&[REGION, INTERNAL]),
    Endpoint::post("upload", NOUN, "/sts/token", "Uploads bytes in memory; by function only, not by name.")
        .kind(Kind::Transfer)
        .args(&[
            Arg::new("filename", Type::Text, "name in the store, without \"/\"").required(),
            PART_SIZE,
            THRESHOLD,
            PARTS,
            CMK,
            REGION,
            INTERNAL,
        ]),
    Endpoint::post("upload_file", NOUN, "/sts/token", "Uploads a file.").kind(Kind::Transfer).args(&[
        Arg::new("path", Type::Text, "path of the file").required(),
        Arg::new("filename", Type::Text, "name in the store, without \"/\"; the path's own"),
        PART_SIZE,
        THRESHOLD,
        PARTS,
        CMK,
        REGION,
        INTERNAL,
        CHECKPOINT,
    ]),
    Endpoint::post("upload_dir", NOUN, "/sts/token", "Uploads the regular files of a folder.")
        .kind(Kind::Transfer)
        .args(&[
            Arg::new("path", Type::Text, "path of the folder").required(),
            Arg::new("recursive", Type::Bool, "sub-folders too, their names joined by the separator"),
            Arg::new("separator", Type::Text, "what joins the names of sub-folders and files; \"_\""),
            Arg::new("follow_links", Type::Bool, "take what symbolic links lead to; they fail unless given"),
            PART_SIZE,
            THRESHOLD,
            PARTS,
            CMK,
            REGION,
            INTERNAL,
            CHECKPOINT,
        ]),
    Endpoint::post("batch_upload", NOUN, "/sts/token", "Uploads a list of files.").kind(Kind::Transfer).args(
        &[
            Arg::new(
                "files",
                Type::Array,
                "[{\"path\", \"filename\"}, …]; filename is the path's own unless given",
            )
            .required(),
            PART_SIZE,
            THRESHOLD,
            PARTS,
            CMK,
            REGION,
            INTERNAL,
            CHECKPOINT,
        ],
    ),
    Endpoint::post("get_download_url", NOUN, "/oss/sign_url", "A presigned URL of an object.")
        .repeatable(true)
        .args(&[
            Arg::new("object_name", Type::Text, "the object's name").required(),
            DOWNLOAD_REGION,
            EXPIRES,
        ]),
    Endpoint::post("download", NOUN, "/oss/sign_url", "Downloads an object to a file.")
        .kind(Kind::Transfer)
        .args(&[
            Arg::new("object_name", Type::Text, "the object's name").required(),
            Arg::new("path", Type::Text, "path of the file, or an existing folder").required(),
            DOWNLOAD_REGION,
            EXPIRES,
            PARTS,
            DECRYPT,
        ]),
    Endpoint::get("download_file", NOUN, "", "Downloads any URL to a file.")
        .kind(Kind::Transfer)
        .grants(Grants::None)
        .args(&[
            Arg::new("url", Type::Text, "an http or https address").required(),
            Arg::new("path", Type::Text, "path of the file, or an existing folder").required(),
            PARTS,
            DECRYPT,
        ]),
    Endpoint::post(
        "ferry_to_oss",
        NOUN,
        "/ferry/download_to_oss",
        "Has a sequencing project's files ferried to the object store.",
    )
    .grants(Grants::Client)
    .args(&[
        Arg::new("account", Type::Text, "account").required().secret(),
        Arg::new("password", Type::Text, "password").required().secret(),
        Arg::new("project_no", Type::Text, "project number").required(),
        Arg::new("biosample_cnt", Type::Integer, "number of biosamples").required().least(0),
        Arg::new("included_filename_exts", Type::Ids, "filename extensions"),
        Arg::new("sample_names", Type::Ids, "sample names"),
        Arg::new("action", Type::Text, "restart is the only known one"),
    ]),
];

//! Files: credentials for uploads, addresses for downloads, transfers from the sequencing service.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::call::Call;
use super::envelope::{Data, Refusal};
use crate::store::presign_get;
use crate::world::World;
use crate::world::data::seed::{digits, generator, uuid, word};
use crate::world::samples::Sample;
use crate::world::tokens::Principal;

const REGION_ID: &str = "oss-cn-shenzhen";
/// What `ferry_to_oss` can be restricted to.
const EXTENSIONS: [&str; 6] = [".txt", ".xls", ".pdf", ".tar.gz", ".tar.gz.md5", ".fq.gz"];

pub fn upload_token(call: &Call) -> Result<Data, Refusal> {
    let caller = call.caller()?;
    let region_id = call.get("region_id").unwrap_or(REGION_ID);
    if !region_id.starts_with("oss-") {
        return Err(Refusal::argument("region_id", "区域编号错误"));
    }
    call.boolean("internal")?;
    let options = call.world.options();
    let store = &call.world.store;
    let destination = destination(call.world.seed, caller, options.fresh_destination);
    let credentials = store.issue_sts(&destination, Duration::from_secs(options.sts_lifetime));
    let expiration = OffsetDateTime::from(credentials.expires_at).replace_nanosecond(0).ok();
    let expiration = expiration.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
    let (endpoint, bucket) = (&call.world.store_endpoint, store.bucket());
    Ok(Data::Json(json!({
        "base_uri": format!("{endpoint}/{bucket}/{destination}"),
        "credentials": {
            "access_key_secret": credentials.access_key_secret,
            "security_token": credentials.security_token,
            "expiration": expiration,
            "access_key_id": credentials.access_key_id,
        },
        "endpoint": endpoint,
        "destination": destination,
        "bucket": bucket,
        "region_id": region_id,
    })))
}

/// The folder that a caller may write to. It is the same each time, so that credentials renewed in the middle of an
/// upload are good for the rest of it.
fn destination(seed: u64, caller: &Principal, fresh: bool) -> String {
    let owner = caller.user.unwrap_or(&caller.client_id);
    let mut rng = generator(seed, &["destination", owner, &caller.client_id]);
    let folder = format!("DUS-{}-{}", digits(&mut rng, 11), word(&mut rng, 40));
    let day = OffsetDateTime::now_utc().date();
    let day = format!("{}{:02}{:02}TZ", day.year(), u8::from(day.month()), day.day());
    let last = if fresh { uuid(&mut rand::rng()) } else { uuid(&mut rng) };
    // The day is part of the name of a fresh folder only: a lasting one must not change at midnight.
    let day = if fresh { day } else { "20190716TZ".into() };
    format!("{folder}/{day}-{}", last.replace('-', ""))
}

pub fn download_url(call: &Call) -> Result<Data, Refusal> {
    let object_name = call.need("object_name")?;
    call.choice("region", &["domestic", "international"])?;
    let lifetime = call.int("expiration_time", 1..=604_800)?.unwrap_or(600);
    let (path_and_query, expires) = presign_get(&call.world.store, object_name, lifetime.unsigned_abs());
    Ok(Data::Json(json!({
        "url": format!("{}{path_and_query}", call.world.store_endpoint),
        "expires": expires.to_string(),
    })))
}

pub fn ferry(call: &Call) -> Result<Data, Refusal> {
    for name in ["account", "password"] {
        call.need(name)?;
    }
    let project_no = call.need("project_no")?;
    let count = call.need_int("biosample_cnt", 0..=i64::MAX)?;
    let extensions = call.list("included_filename_exts")?.unwrap_or_else(|| EXTENSIONS.to_vec());
    if extensions.iter().any(|extension| !EXTENSIONS.contains(extension)) {
        return Err(Refusal::argument(
            "included_filename_exts",
            &format!("可选值: {}", EXTENSIONS.join(",")),
        ));
    }
    call.list("sample_names")?;
    call.choice("action", &["restart"])?;
    let result =
        json!({"project_no": project_no, "biosample_cnt": count, "included_filename_exts": extensions});
    let task = call.world.tasks().start("ferry", result, &call.world.options());
    Ok(Data::Json(task))
}

/// The files of a sample's results.
pub fn sample_files(world: &World, sample: &Sample) -> Value {
    let files = world.result_files(sample);
    let described = files
        .iter()
        .map(|file| json!({"object_name": file.object, "file_format": file.format, "file_size": file.size}));
    described.collect()
}

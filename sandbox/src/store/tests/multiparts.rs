//! Multipart uploads.

use super::*;

const PART: usize = 102_400;

impl Fixture {
    async fn initiate(&self, name: &str) -> String {
        let headers = [("content-type", "text/csv"), ("x-oss-meta-a", "b")];
        let answer = self.call("POST", &format!("dest/{name}?uploads"), &headers, b"").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.element("UploadId")
    }

    /// Sends a part, and gives its ETag with the quotes.
    async fn part(&self, name: &str, id: &str, number: u32, body: &[u8]) -> String {
        let target = format!("dest/{name}?partNumber={number}&uploadId={id}");
        let answer = self.call("PUT", &target, &[], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("etag").to_owned()
    }

    async fn complete(&self, name: &str, id: &str, parts: &[(u32, &str)]) -> Answer {
        let listed: String = parts
            .iter()
            .map(|(n, etag)| format!("<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"))
            .collect();
        let body = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
        self.call("POST", &format!("dest/{name}?uploadId={id}"), &[], body.as_bytes()).await
    }

    async fn list(&self, name: &str, id: &str, query: &str) -> Answer {
        self.call("GET", &format!("dest/{name}?uploadId={id}{query}"), &[], b"").await
    }
}

#[tokio::test]
async fn parts_become_one_object() {
    let at = Fixture::new();
    let content = pattern(3_000_000);
    let (first, rest) = content.split_at(1_500_000);
    let (second, third) = rest.split_at(PART);
    let id = at.initiate("big").await;
    // In any order, with gaps, and the same number again.
    let c = at.part("big", &id, 9, third).await;
    let a = at.part("big", &id, 1, first).await;
    at.part("big", &id, 4, b"to be replaced").await;
    let b = at.part("big", &id, 4, second).await;
    assert!(!at.store.exists("dest/big"));
    let done = at.complete("big", &id, &[(1, &a), (4, &b), (9, &c)]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let crc = crate::world::store::crc64::of(&content).to_string();
    assert_eq!(done.header("x-oss-hash-crc64ecma"), crc);
    assert_eq!(done.element("Bucket"), BUCKET);
    assert_eq!(done.element("Key"), "dest/big");
    assert!(done.element("ETag").ends_with("-3&quot;"), "{}", done.text());
    let got = at.get("big", &[]).await;
    assert!(got.body == content);
    assert_eq!(got.header("x-oss-hash-crc64ecma"), crc);
    assert_eq!(got.header("x-oss-object-type"), "Multipart");
    assert_eq!((got.header("content-type"), got.header("x-oss-meta-a")), ("text/csv", "b"));
    let across = at.get("big", &[("range", "bytes=1499990-1602410")]).await;
    assert!(across.body == content[1_499_990..=1_602_410]);
    assert_eq!(at.store.uploads_json(), serde_json::json!([]));
}

#[tokio::test]
async fn the_etag_of_a_completed_upload_follows_from_its_parts() {
    let at = Fixture::new();
    let id = at.initiate("a").await;
    let etag = at.part("a", &id, 1, b"hello").await;
    assert_eq!(etag, "\"5D41402ABC4B2A76B9719D911017C592\"");
    let done = at.complete("a", &id, &[(1, &etag)]).await;
    // MD5 of the sixteen bytes 5D41…C592.
    assert_eq!(done.header("etag"), "\"62109206880D38A4010A98E11243924A-1\"");
}

#[tokio::test]
async fn completing_wants_the_right_parts_in_order() {
    let at = Fixture::new();
    let id = at.initiate("a").await;
    let small = at.part("a", &id, 1, &pattern(PART - 1)).await;
    let full = at.part("a", &id, 2, &pattern(PART)).await;
    let wrong = "\"00000000000000000000000000000000\"";
    for (parts, code) in [
        (&[(1, small.as_str()), (2, full.as_str())][..], "EntityTooSmall"),
        (&[(2, &full), (1, &small)], "InvalidPartOrder"),
        (&[(2, &full), (2, &full)], "InvalidPartOrder"),
        (&[(2, &full), (3, &full)], "InvalidPart"),
        (&[(2, wrong)], "InvalidPart"),
        (&[], "MalformedXML"),
    ] {
        let answer = at.complete("a", &id, parts).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{parts:?}");
    }
    let malformed = at.call("POST", &format!("dest/a?uploadId={id}"), &[], b"<Complete").await;
    assert_eq!(malformed.refusal(), (400, "MalformedXML".to_owned()));
    let too_small = at.complete("a", &id, &[(1, &small), (2, &full)]).await;
    assert_eq!(too_small.element("MinSizeAllowed"), "102400");
    assert_eq!(too_small.element("ProposedSize"), "102399");
    assert!(!at.store.exists("dest/a"));
    // The last part may be of any size, and the upload is still there after all that.
    let unquoted = small.trim_matches('"').to_lowercase();
    let third = at.part("a", &id, 3, b"end").await;
    assert_eq!(at.complete("a", &id, &[(2, &full), (3, &third)]).await.status, 200);
    assert_eq!(at.get("a", &[]).await.body.len(), PART + 3);

    let id = at.initiate("b").await;
    at.part("b", &id, 1, &pattern(PART - 1)).await;
    assert_eq!(at.complete("b", &id, &[(1, &unquoted)]).await.status, 200);
}

#[tokio::test]
async fn every_part_can_be_taken_without_a_list() {
    let at = Fixture::new();
    let id = at.initiate("a").await;
    at.part("a", &id, 3, b"end").await;
    at.part("a", &id, 1, &pattern(PART)).await;
    let all = [("x-oss-complete-all", "yes")];
    let answer = at.call("POST", &format!("dest/a?uploadId={id}"), &all, b"").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(at.get("a", &[]).await.body.len(), PART + 3);
}

#[tokio::test]
async fn an_upload_belongs_to_its_key_and_ends_once() {
    let at = Fixture::new();
    let id = at.initiate("a").await;
    let etag = at.part("a", &id, 1, b"x").await;
    let gone = (404, "NoSuchUpload".to_owned());
    let with = |name: &str, query: &str| format!("dest/{name}?{query}uploadId={id}");
    assert_eq!(at.call("PUT", &with("b", "partNumber=1&"), &[], b"x").await.refusal(), gone);
    assert_eq!(at.list("b", &id, "").await.refusal(), gone);
    assert_eq!(at.complete("b", &id, &[(1, &etag)]).await.refusal(), gone);
    assert_eq!(at.call("DELETE", &with("b", ""), &[], b"").await.refusal(), gone);
    assert_eq!(at.complete("a", &id, &[(1, &etag)]).await.status, 200);
    assert_eq!(at.complete("a", &id, &[(1, &etag)]).await.refusal(), gone);

    let id = at.initiate("c").await;
    let target = format!("dest/c?uploadId={id}");
    assert_eq!(at.call("DELETE", &target, &[], b"").await.status, 204);
    assert_eq!(at.call("DELETE", &target, &[], b"").await.refusal(), gone);
    assert_eq!(at.list("c", &id, "").await.refusal(), gone);
    let part = format!("dest/c?partNumber=1&uploadId={id}");
    assert_eq!(at.call("PUT", &part, &[], b"x").await.refusal(), gone);
}

#[tokio::test]
async fn part_numbers_are_bounded() {
    let at = Fixture::new();
    let id = at.initiate("a").await;
    for number in ["0", "10001", "-1", "x", ""] {
        let target = format!("dest/a?partNumber={number}&uploadId={id}");
        let answer = at.call("PUT", &target, &[], b"x").await;
        assert_eq!(answer.refusal(), (400, "InvalidArgument".to_owned()), "{number}");
    }
    at.part("a", &id, 10_000, b"x").await;
}

#[tokio::test]
async fn parts_are_listed_page_by_page() {
    let at = Fixture::new();
    let id = at.initiate("a").await;
    for number in [1, 2, 5, 7, 11] {
        at.part("a", &id, number, format!("part {number}").as_bytes()).await;
    }
    let numbers = |answer: &Answer| -> Vec<String> {
        let text = answer.text();
        text.split("<Part>").skip(1).map(|part| element(part, "PartNumber")).collect()
    };
    let first = at.list("a", &id, "&max-parts=2").await;
    assert_eq!(numbers(&first), ["1", "2"]);
    assert_eq!(first.element("IsTruncated"), "true");
    assert_eq!(first.element("NextPartNumberMarker"), "2");
    let second = at.list("a", &id, "&max-parts=3&part-number-marker=2").await;
    assert_eq!(numbers(&second), ["5", "7", "11"]);
    assert_eq!(second.element("IsTruncated"), "false");
    let all = at.list("a", &id, "").await;
    assert_eq!(all.element("MaxParts"), "1000");
    let one = all.element("Part");
    assert_eq!(element(&one, "Size"), "6");
    // MD5 of "part 1".
    assert_eq!(element(&one, "ETag"), "&quot;7D3FEDCAF1BBE1100D0D2B19F56CFDD4&quot;");
    assert_eq!(element(&one, "HashCrc64ecma"), crate::world::store::crc64::of(b"part 1").to_string());
    assert!(element(&one, "LastModified").ends_with(".000Z"));
    for query in ["&max-parts=0", "&max-parts=1001", "&part-number-marker=x"] {
        assert_eq!(at.list("a", &id, query).await.refusal().1, "InvalidArgument", "{query}");
    }
}

#[tokio::test]
async fn keys_are_encoded_in_answers_when_asked() {
    let at = Fixture::new();
    let target = "dest/%E7%9B%AE%20%26?uploads";
    assert_eq!(at.call("POST", target, &[], b"").await.element("Key"), "dest/目 &amp;");
    let encoded = at.call("POST", &format!("{target}&encoding-type=url"), &[], b"").await;
    assert_eq!(encoded.element("Key"), "dest%2F%E7%9B%AE%20%26");
    assert_eq!(encoded.element("EncodingType"), "url");
}

#[tokio::test]
async fn overwriting_can_be_forbidden_for_uploads() {
    let at = Fixture::new();
    let forbid = [("x-oss-forbid-overwrite", "true")];
    let id = at.call("POST", "dest/a?uploads", &forbid, b"").await.element("UploadId");
    let etag = at.part("a", &id, 1, b"x").await;
    at.put("a", b"first").await;
    let exists = (409, "FileAlreadyExists".to_owned());
    assert_eq!(at.complete("a", &id, &[(1, &etag)]).await.refusal(), exists);
    assert_eq!(at.get("a", &[]).await.body, b"first");
    assert_eq!(at.call("POST", "dest/a?uploads", &forbid, b"").await.refusal(), exists);
}

#[tokio::test]
async fn open_uploads_are_shown_to_tests() {
    let at = Fixture::new();
    let id = at.initiate("a").await;
    at.part("a", &id, 2, b"hello").await;
    let shown = at.store.uploads_json();
    assert_eq!(shown[0]["upload_id"], id.as_str());
    assert_eq!(shown[0]["name"], "dest/a");
    assert_eq!(
        shown[0]["parts"],
        serde_json::json!([{
            "part_number": 2,
            "size": 5,
            "etag": "5D41402ABC4B2A76B9719D911017C592",
            "crc64": crate::world::store::crc64::of(b"hello").to_string(),
        }])
    );
}

//! Published and independently computed signatures.

use super::*;

const KEY_A: &str = "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV";
const DATE: &str = "Thu, 12 Jun 2025 08:00:00 GMT";
const TOKEN: (&str, &str) = ("x-oss-security-token", "CAISTOKEN+/==");
const CLIENT: (&str, &str) = ("x-oss-meta-bge-open-client-id", "client-1");
const PART: &str = "/bge-bucket/dest/big.bin?partNumber=3&uploadId=0004B9895DBBB6EC98E36";

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> OssRequest {
    let mut builder = http::Request::builder().method(method).uri(target);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let parts = builder.body(()).unwrap().into_parts().0;
    OssRequest::parse(parts, "bge-bucket").unwrap()
}

fn v1(method: &str, target: &str, headers: &[(&str, &str)], date: &str, secret: &str) -> String {
    v1_signature(secret, &v1_string_to_sign(&request(method, target, headers), date))
}

#[test]
fn a_the_published_example() {
    let headers = [
        ("content-md5", "ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM="),
        ("content-type", "text/html"),
        ("x-oss-meta-author", "foo@bar.com"),
        ("x-oss-magic", " abracadabra "),
    ];
    let signed = v1("PUT", "/oss-example/nelson", &headers, "Thu, 17 Nov 2005 18:49:58 GMT", KEY_A);
    assert_eq!(signed, "26NBxoKdsyly4EDv6inkoDft/yA=");
}

#[test]
fn b_put_with_token_and_metadata() {
    let headers = [("content-type", "text/plain"), CLIENT, TOKEN];
    let signed = v1("PUT", "/bge-bucket/dest/sample.txt", &headers, DATE, "testsecret");
    assert_eq!(signed, "txZfMLoGqpo1ig4zgYiDkRFeE6k=");
}

#[test]
fn c_initiate_multipart_upload() {
    let headers = [("content-type", "application/octet-stream"), CLIENT, TOKEN];
    let signed = v1("POST", "/bge-bucket/dest/big.bin?uploads", &headers, DATE, "testsecret");
    assert_eq!(signed, "VpmjEmqsdA/XMJFQ0UduMpfRZOE=");
}

#[test]
fn d_upload_part_whatever_the_order_of_the_query() {
    for target in [PART, "/bge-bucket/dest/big.bin?uploadId=0004B9895DBBB6EC98E36&max-parts=5&partNumber=3"] {
        let signed = v1("PUT", target, &[TOKEN], DATE, "testsecret");
        assert_eq!(signed, "Wm0sJylcdXnpOTp2rP7QvpRRlkY=");
    }
}

#[test]
fn e_chinese_key_with_plus_percent_and_encoded_slash() {
    let target = "/bge-bucket/%E7%9B%AE%E5%BD%95%2F%E6%A0%B7%E6%9C%AC%201%2Ba%2520.txt";
    let signed = v1("PUT", target, &[("content-type", "text/plain")], DATE, KEY_A);
    assert_eq!(signed, "558krfsuM3q1LNuHbc+V2oACIFQ=");
}

#[test]
fn f_presigned_get() {
    let target = "/bge-bucket/%E7%9B%AE%E5%BD%95%2F%E6%A0%B7%E6%9C%AC%201.txt\
                  ?OSSAccessKeyId=STS.testid&Expires=1749715800&security-token=CAISTOKEN%2B%2F%3D%3D";
    let signed = v1("GET", target, &[], "1749715800", "testsecret");
    assert_eq!(signed, "AoCEOkFAaZZ4ToqVBUlBNrVjrJQ=");
}

#[test]
fn g_v4_upload_part() {
    let target = "/bge-bucket/%E7%9B%AE%E5%BD%95/big.bin?partNumber=3&uploadId=0004B9895DBBB6EC98E36";
    let headers = [TOKEN, ("x-oss-date", "20250612T080000Z"), ("x-oss-content-sha256", "UNSIGNED-PAYLOAD")];
    let canonical = v4_canonical_request(&request("PUT", target, &headers), &[]);
    let text = v4_string_to_sign(&canonical, "20250612T080000Z", "cn-shenzhen");
    assert_eq!(
        v4_signature("testsecret", "20250612", "cn-shenzhen", &text),
        "1374dc13a3fbca675b3cddc98c04bb30084ea52f5d5c3e7cab63de29efff8528"
    );
}

#[test]
fn the_v1_string_is_spelled_out() {
    let text = v1_string_to_sign(&request("PUT", PART, &[TOKEN]), DATE);
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "PUT\n\n\nThu, 12 Jun 2025 08:00:00 GMT\nx-oss-security-token:CAISTOKEN+/==\n\
         /bge-bucket/dest/big.bin?partNumber=3&uploadId=0004B9895DBBB6EC98E36"
    );
}

#[test]
fn v4_signs_additional_headers_and_sorts_the_query() {
    let headers = [("host", "h"), ("x-oss-date", "20250612T080000Z"), ("content-type", "a/b")];
    let read = request("GET", "/bge-bucket/a?b=2&a&c=%2F", &headers);
    let canonical = v4_canonical_request(&read, &["host".to_owned()]);
    assert_eq!(
        String::from_utf8(canonical).unwrap(),
        "GET\n/bge-bucket/a\na&b=2&c=%2F\ncontent-type:a/b\nhost:h\nx-oss-date:20250612T080000Z\n\nhost\nUNSIGNED-PAYLOAD"
    );
}

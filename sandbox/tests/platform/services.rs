//! Services for applications.

use serde_json::Value;

use crate::common::Sandbox;
use crate::{refused, string};

#[test]
fn services_for_applications() {
    let sandbox = Sandbox::start(&[]);
    let credentials = sandbox.credentials_token();
    let post = |path: &str, form: &[(&str, &str)]| sandbox.post_as(&credentials, path, form);
    let sms = [("template", "pay_code"), ("mobiles", "17376000000,17376000001"), ("pay_code", "1234")];
    assert_eq!(post("/sms/send", &sms).data(), Value::Null);
    refused(&post("/sms/send", &sms[..2]), 41001);
    refused(&post("/sms/send", &[sms[0], ("mobiles", "123"), sms[2]]), 41001);
    refused(&post("/sms/send", &[("template", "other"), sms[1]]), 41001);
    let url = post("/service/wechat/applet/url", &[("code", "c1"), ("query", "a=1")]).data();
    assert!(string(&url["url_link"]).starts_with("https://wxaurl.cn/"));
    refused(&post("/service/wechat/applet/url", &[]), 41001);
    let verify =
        |name: &str, card: &str| post("/service/verify/id_meta", &[("idcard", card), ("realname", name)]);
    assert_eq!(verify("张三", "11010519491231002X").data()["result"], "一致");
    assert_eq!(verify("王五", "11010519491231002X").data()["verified"], false);
    refused(&verify("张三", "110105194912310021"), 41001);
    let ferry = [("account", "a"), ("password", "p"), ("project_no", "F21"), ("biosample_cnt", "0")];
    assert!(post("/ferry/download_to_oss", &ferry).data()["task_id"].is_string());
    for (at, value) in [(1, ""), (3, "-1"), (3, "x")] {
        let mut form = ferry.to_vec();
        form[at].1 = value;
        refused(&post("/ferry/download_to_oss", &form), 41001);
    }
    refused(&post("/ferry/download_to_oss", &[&ferry[..], &[("action", "stop")]].concat()), 41001);
    refused(
        &post("/ferry/download_to_oss", &[&ferry[..], &[("included_filename_exts", ".exe")]].concat()),
        41001,
    );
}

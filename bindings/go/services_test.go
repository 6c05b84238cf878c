package bge_test

import (
	"encoding/json"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestServices(t *testing.T) {
	client := application(t)
	clearLog(t)
	err := client.SendSMS(t.Context(), "pay_code", []string{"13800000000", "13900000000"},
		&bge.SendSMSOptions{Params: map[string]any{"pay_code": "0042"}})
	if err != nil {
		t.Error(err)
	}
	form := sent(t, "/sms/send")[0].Form
	if form["mobiles"] != "13800000000,13900000000" || form["pay_code"] != "0042" || form["template"] != "pay_code" {
		t.Errorf("sent: %v", form)
	}
	if e := wantError(t, client.SendSMS(t.Context(), "no such", []string{"13800000000"}, nil), bge.ErrAPI); e.Code != 41001 || len(e.Data) == 0 {
		t.Errorf("an unknown template gives %+v", e)
	}

	raw, err := client.AppletURL(t.Context(), "code", &bge.AppletURLOptions{Path: "pages/index", Query: "a=1&b=2"})
	var applet struct {
		URL string `json:"url_link"`
	}
	if err := json.Unmarshal(must(t, raw, err), &applet); err != nil || applet.URL == "" {
		t.Errorf("applet: %s", raw)
	}

	// the number is the example of the national standard GB 11643-1999
	raw, err = client.VerifyIDMeta(t.Context(), "11010519491231002X", "张三", &bge.VerifyIDMetaOptions{Phone: "17376000000"})
	var verified struct{ Verified bool }
	if err := json.Unmarshal(must(t, raw, err), &verified); err != nil || !verified.Verified {
		t.Errorf("verified: %s", raw)
	}
}

func TestServicesAreForApplications(t *testing.T) {
	client := user(t)
	_, err := client.AppletURL(t.Context(), "code", nil)
	if e := wantError(t, err, bge.ErrAPI); e.Code != 40014 || e.Msg != "本接口不支持授权码模式的应用访问" {
		t.Errorf("the error is %+v", e)
	}
}

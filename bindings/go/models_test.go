package bge_test

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// zipped writes a zip with one file of so many bytes, stored as they are.
func zipped(t testing.TB, size int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.zip")
	file, err := os.Create(path)
	must(t, file, err)
	defer file.Close()
	archive := zip.NewWriter(file)
	entry, err := archive.CreateHeader(&zip.FileHeader{Name: "index.py", Method: zip.Store})
	must(t, entry, err)
	if _, err := entry.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInvokeModel(t *testing.T) {
	client := user(t)
	clearLog(t)
	result, err := client.InvokeModel(t.Context(), box.ModelID, &bge.InvokeModelOptions{
		Params: map[string]any{"biosample_id": box.MetaBiosampleID, "threshold": json.Number("5e-1")},
		Call:   bge.CallOptions{Headers: map[string]string{"X-Lab": "7"}},
	})
	must(t, result, err)
	var data struct {
		Class  string            `json:"predict_class"`
		Params map[string]string `json:"params"`
	}
	if err := json.Unmarshal(result.ModelData, &data); err != nil {
		t.Fatal(err)
	}
	if result.ModelCode != 0 || result.ModelMsg != "success" || data.Class == "" || data.Params["threshold"] != "5e-1" {
		t.Errorf("the result is %+v", result)
	}
	if requests := sent(t, "/model/*"); len(requests) != 1 || requests[0].Headers["x-lab"] != "7" {
		t.Errorf("sent: %+v", requests)
	}
	draft, err := client.InvokeDraftModel(t.Context(), box.ModelID, nil)
	if must(t, draft, err); draft.ModelMsg != "success" {
		t.Errorf("the draft gives %+v", draft)
	}
	_, err = client.InvokeModel(t.Context(), "no-such-model", nil)
	if e := wantError(t, err, bge.ErrAPI); e.Code != 41202 {
		t.Errorf("code %d", e.Code)
	}
}

func TestTasks(t *testing.T) {
	client := user(t)
	started, err := client.InvokeModel(t.Context(), "slow-model", nil)
	if must(t, started, err); started.TaskID == "" {
		t.Fatalf("a slow model gives %+v", started)
	}
	task, err := client.Task(t.Context(), started.TaskID, nil)
	if must(t, task, err); task.TaskID != started.TaskID || task.Progress != "PENDING" || task.Result != nil {
		t.Errorf("the task is %+v", task)
	}
	task, err = client.WaitTask(t.Context(), started.TaskID, nil)
	var result bge.ModelResult
	if err := json.Unmarshal(must(t, task, err).Result, &result); err != nil || result.ModelMsg != "success" {
		t.Errorf("the task ended with %+v", task)
	}

	failing, err := client.InvokeModel(t.Context(), "failing-model", nil)
	must(t, failing, err)
	_, err = client.WaitTask(t.Context(), failing.TaskID, nil)
	if e := wantError(t, err, bge.ErrAPI); len(e.Data) == 0 {
		t.Errorf("the task is not in %+v", e)
	}

	options(t, map[string]any{"task_polls": 1000})
	endless, err := client.InvokeModel(t.Context(), "slow-model", nil)
	must(t, endless, err)
	_, err = client.WaitTask(t.Context(), endless.TaskID, &bge.Options{Call: bge.CallOptions{Deadline: time.Second}})
	wantError(t, err, bge.ErrTimeout)
}

func TestDeployPublishRollBack(t *testing.T) {
	client := application(t)
	path := zipped(t, 3<<20)
	var told []int64
	deployed, err := client.DeployModel(t.Context(), box.ModelID, &bge.DeployModelOptions{
		SourceFile: path, MemorySize: 256, Comment: "注释", Handler: "index.handler", Timeout: time.Minute,
		Call: bge.CallOptions{Progress: func(done, _ int64) { told = append(told, done) }},
	})
	must(t, deployed, err)
	info, err := os.Stat(path)
	must(t, info, err)
	if len(told) == 0 || told[len(told)-1] < info.Size() {
		t.Errorf("progress of %d bytes: %v", info.Size(), told)
	}
	for i := 1; i < len(told); i++ {
		if told[i] < told[i-1] {
			t.Errorf("progress goes back: %v", told)
		}
	}
	for _, model := range sandboxState(t).Models {
		if model.ID == box.ModelID && (model.Config["comment"] != "注释" || model.Config["memory_size"] != 256.0) {
			t.Errorf("deployed with %v", model.Config)
		}
	}
	_, err = client.DeployModel(t.Context(), box.ModelID, &bge.DeployModelOptions{SourceFile: path, ObjectName: "a.zip"})
	wantError(t, err, bge.ErrArgument)

	published, err := client.PublishModel(t.Context(), box.ModelID, "新版本", nil)
	if must(t, published, err); published.Version != deployed.Version {
		t.Errorf("deployed %d, published %d", deployed.Version, published.Version)
	}
	versions, err := client.ModelVersions(t.Context(), box.ModelID, &bge.ModelVersionsOptions{Limit: 2})
	must(t, versions, err)
	if newest := versions.Result[0]; newest.Version != published.Version || newest.Message != "新版本" || len(newest.CreateTime) == 0 {
		t.Errorf("the newest version is %+v", newest)
	}
	back, err := client.RollbackModel(t.Context(), box.ModelID, 5, nil)
	if must(t, back, err); back.Version != 5 {
		t.Errorf("rolled back to %d", back.Version)
	}
}

func TestAModelsPapers(t *testing.T) {
	client := application(t)
	raw, err := client.UploadModelExpfs(t.Context(), box.ModelID, zipped(t, 10), nil)
	var task bge.Task
	if err := json.Unmarshal(must(t, raw, err), &task); err != nil || task.TaskID == "" {
		t.Errorf("expfs: %s", raw)
	}
	raw, err = client.ModelLicense(t.Context(), box.ModelID,
		&bge.ModelLicenseOptions{Expires: 90 * time.Second, Params: map[string]any{"a": []int{1}}})
	var license struct {
		Key    string `json:"license_key"`
		Params json.RawMessage
	}
	if err := json.Unmarshal(must(t, raw, err), &license); err != nil || license.Key == "" || string(license.Params) != `{"a":[1]}` {
		t.Errorf("license: %s", raw)
	}
	clearLog(t)
	raw, err = client.UploadModelDoc(t.Context(), "intro", box.ModelID, map[string]any{"text": "<b>"}, nil)
	must(t, raw, err)
	requests := sent(t, "/model/doc_upload")
	if content, _ := requests[0].JSON["doc_content"].(map[string]any); content["text"] != "<b>" {
		t.Errorf("sent: %v", requests[0].JSON)
	}
}

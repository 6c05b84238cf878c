package bge

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// ModelResult is what running a model gives: its result, or, for slow models, the TaskID to give to WaitTask.
type ModelResult struct {
	ModelCode int64           `json:"model_code"` // 0 for success
	ModelMsg  string          `json:"model_msg"`
	ModelData json.RawMessage `json:"model_data"` // the model's own, as written
	TaskID    string          `json:"task_id"`
	Extra     Extra           `json:"-"`
	members   `json:"-"`
}

func (m *ModelResult) UnmarshalJSON(object []byte) error { return unmarshal(object, m) }
func (m ModelResult) MarshalJSON() ([]byte, error)       { return marshal(m) }

// Deployment is what deploying, publishing and rolling back give: the version, or the TaskID of a deployment from the
// object store.
type Deployment struct {
	Version int64  `json:"version"`
	TaskID  string `json:"task_id"`
	Extra   Extra  `json:"-"`
	members `json:"-"`
}

func (d *Deployment) UnmarshalJSON(object []byte) error { return unmarshal(object, d) }
func (d Deployment) MarshalJSON() ([]byte, error)       { return marshal(d) }

// ModelVersion is a version of a model.
type ModelVersion struct {
	Version    int64           `json:"version"`
	Message    string          `json:"message"`
	Runtime    string          `json:"runtime"`
	MemorySize int64           `json:"memory_size"` // MB
	CreateTime json.RawMessage `json:"create_time"` // a text or a number of seconds, as written
	Extra      Extra           `json:"-"`
	members    `json:"-"`
}

func (m *ModelVersion) UnmarshalJSON(object []byte) error { return unmarshal(object, m) }
func (m ModelVersion) MarshalJSON() ([]byte, error)       { return marshal(m) }

// Task is work that the platform does in the background.
type Task struct {
	TaskID   string          `json:"task_id"`
	Progress string          `json:"progress"` // PENDING, STARTED, SUCCESS, FAILURE, REVOKED
	Result   json.RawMessage `json:"result"`   // as written
	Extra    Extra           `json:"-"`
	members  `json:"-"`
}

func (t *Task) UnmarshalJSON(object []byte) error { return unmarshal(object, t) }
func (t Task) MarshalJSON() ([]byte, error)       { return marshal(t) }

// InvokeModelOptions are a model's own parameters.
type InvokeModelOptions struct {
	// Params are passed on as given, an array as repeated fields, an object as JSON text.
	Params map[string]any `json:"-"`
	// Call says how this one call is carried out; its Headers reach the model.
	Call CallOptions `json:"-"`
}

// DeployModelOptions take at most one of SourceFile and ObjectName; with neither, only the configuration changes. Defaults
// are the platform's.
type DeployModelOptions struct {
	SourceFile string        `json:"source_file"` // path of a zip, which is streamed from disk
	ObjectName string        `json:"object_name"` // an uploaded zip
	Handler    string        `json:"handler"`     // entry point, index.handler unless given; with SourceFile
	Comment    string        `json:"comment"`     // with SourceFile
	Runtime    string        `json:"runtime"`     // python3 unless given
	MemorySize int           `json:"memory_size"` // MB, 128 unless given
	CPU        float64       `json:"cpu"`         // cores, 0.05 unless given; with ObjectName
	DiskSize   int           `json:"disk_size"`   // MB, 512 unless given; with ObjectName
	Timeout    time.Duration `json:"timeout"`     // that the model may run, 15 min unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// ModelVersionsOptions are those of ModelVersions.
type ModelVersionsOptions struct {
	Limit    int       `json:"limit"` // rows of a page, 10 unless given
	NextPage PageToken `json:"next_page"`

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// ModelLicenseOptions are those of ModelLicense.
type ModelLicenseOptions struct {
	Expires time.Duration `json:"expires"` // that it is good for, 1 min unless given
	Params  any           `json:"params"`  // the model's parameters, any JSON value

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// InvokeModel runs a model. It is never repeated by itself.
func (c *Client) InvokeModel(ctx context.Context, modelID string, opts *InvokeModelOptions) (*ModelResult, error) {
	return callFor[ModelResult](ctx, c, "invoke_model", args{"model_id": modelID}, opts)
}

// InvokeDraftModel runs a model's draft, as InvokeModel does.
func (c *Client) InvokeDraftModel(ctx context.Context, modelID string, opts *InvokeModelOptions) (*ModelResult, error) {
	return callFor[ModelResult](ctx, c, "invoke_draft_model", args{"model_id": modelID}, opts)
}

// DeployModel deploys a model from a zip on disk, which gives its version, or from one in the object store, which gives
// the TaskID of the deployment.
func (c *Client) DeployModel(ctx context.Context, modelID string, opts *DeployModelOptions) (*Deployment, error) {
	return callFor[Deployment](ctx, c, "deploy_model", args{"model_id": modelID}, opts)
}

// PublishModel publishes a model's draft; message says what is new.
func (c *Client) PublishModel(ctx context.Context, modelID, message string, opts *Options) (*Deployment, error) {
	return callFor[Deployment](ctx, c, "publish_model", args{"model_id": modelID, "message": message}, opts)
}

// RollbackModel goes back to a deployed version of a model's source; its configuration stays.
func (c *Client) RollbackModel(ctx context.Context, modelID string, version int64, opts *Options) (*Deployment, error) {
	return callFor[Deployment](ctx, c, "rollback_model", args{"model_id": modelID, "version": version}, opts)
}

// ModelVersions gives one page of the versions of a model.
func (c *Client) ModelVersions(ctx context.Context, modelID string, opts *ModelVersionsOptions) (*Page[ModelVersion], error) {
	return callFor[Page[ModelVersion]](ctx, c, "model_versions", args{"model_id": modelID}, opts)
}

// AllModelVersions walks through all pages of ModelVersions.
func (c *Client) AllModelVersions(ctx context.Context, modelID string, opts *ModelVersionsOptions) iter.Seq2[ModelVersion, error] {
	return all(ctx, func() *Pager[ModelVersion] { return c.ModelVersionsPager(modelID, opts) })
}

// ModelVersionsPager walks through ModelVersions page by page.
func (c *Client) ModelVersionsPager(modelID string, opts *ModelVersionsOptions) *Pager[ModelVersion] {
	return newPager[ModelVersion](c, "model_versions", args{"model_id": modelID}, opts)
}

// UploadModelExpfs uploads a model's expfs; expfs is the path of a zip, which is streamed from disk.
func (c *Client) UploadModelExpfs(ctx context.Context, modelID, expfs string, opts *Options) (json.RawMessage, error) {
	return rawCall(ctx, c, "upload_model_expfs", args{"model_id": modelID, "expfs": expfs}, opts)
}

// ModelLicense gives a licence to run a model.
func (c *Client) ModelLicense(ctx context.Context, modelID string, opts *ModelLicenseOptions) (json.RawMessage, error) {
	return rawCall(ctx, c, "model_license", args{"model_id": modelID}, opts)
}

// Task gives the state of a task, and its result when it has one. It asks once; WaitTask waits.
func (c *Client) Task(ctx context.Context, taskID string, opts *Options) (*Task, error) {
	return callFor[Task](ctx, c, "task", args{"task_id": taskID}, opts)
}

// WaitTask asks for a task again and again, with growing pauses, until it is done, and gives it. A task that failed is
// ErrAPI, with the task in the error's Data. The context, or the option Call.Deadline, bounds the wait.
func (c *Client) WaitTask(ctx context.Context, taskID string, opts *Options) (*Task, error) {
	return callFor[Task](ctx, c, "wait_task", args{"task_id": taskID}, opts)
}

// UploadModelDoc uploads a tab of a model's documentation; docContent is anything that encoding/json can write.
func (c *Client) UploadModelDoc(ctx context.Context, docTab, modelID string, docContent any, opts *Options) (json.RawMessage, error) {
	required := args{"doc_tab": docTab, "model_id": modelID, "doc_content": docContent}
	return rawCall(ctx, c, "upload_model_doc", required, opts)
}

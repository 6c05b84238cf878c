package bge_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// The examples find their platform and credentials in the environment, as `bge-sandbox run -- go test` sets it.

func Example() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	samples, err := client.Samples(ctx, &bge.SamplesOptions{Omics: []int{1}, Limit: 1})
	if err != nil {
		log.Fatal(err)
	}
	variants, err := client.Variants(ctx, samples.Result[0].BiosampleID, []string{"rs762551", "rs333"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range variants {
		fmt.Println(v.AlternateID[0], v.Variant.Chromosome, v.Variant.Position, v.Variant.Type)
	}
	// Output:
	// rs762551 chr15 74749576 snp
	// rs333 chr3 46373452 indel
}

func ExampleNew() {
	ctx := context.Background()
	client, err := bge.New(ctx, os.Getenv("BGE_ACCESS_TOKEN"),
		bge.WithEndpoint(os.Getenv("BGE_ENDPOINT")),
		bge.WithTimeout(30*time.Second),
		bge.WithMaxRetries(5),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println(client.Alive(ctx))
	// Output: <nil>
}

func ExampleClient_User() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	user, err := client.User(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Username, user.Nickname)
	// Output: zhangsan 张三
}

func ExampleClient_AllSamples() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	sites := map[string]int{}
	for sample, err := range client.AllSamples(ctx, &bge.SamplesOptions{Omics: []int{2}, Limit: 10}) {
		if err != nil {
			log.Fatal(err)
		}
		sites[sample.Omic.Display]++
	}
	fmt.Println(sites)
	// Output: map[metagenomics:30]
}

func ExampleClient_TaxonAbundance() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	samples, err := client.Samples(ctx, &bge.SamplesOptions{Omics: []int{2}, Limit: 1})
	if err != nil {
		log.Fatal(err)
	}
	taxa, err := client.TaxonAbundance(ctx, samples.Result[0].BiosampleID, &bge.TaxonAbundanceOptions{TaxonIDs: []string{"txid815"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, taxon := range taxa.Result {
		value, err := taxon.Observation.Value.Float64() // the digits themselves are in taxon.Observation.Value
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(taxon.Taxonomy.TaxonName, taxon.Taxonomy.Rank, value > 0, taxon.Observation.Unit)
	}
	// Output: f__Bacteroidaceae family true percent
}

func ExamplePager() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	opts := &bge.SamplesOptions{Limit: 25}

	// one program reads a few rows, and stores how far it is
	pager := client.SamplesPager(opts)
	read := 0
	for _, err := range pager.Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if read++; read == 40 {
			break
		}
	}
	stored, err := json.Marshal(pager.Position())
	if err != nil {
		log.Fatal(err)
	}
	pager.Close()
	fmt.Println(string(stored))

	// another one goes on from there
	var position bge.Position
	if err := json.Unmarshal(stored, &position); err != nil {
		log.Fatal(err)
	}
	pager = client.SamplesPager(opts)
	defer pager.Close()
	pager.Resume(position)
	for _, err := range pager.Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		read++
	}
	fmt.Println(read)
	// Output:
	// {"page":"2","row":15}
	// 60
}

func ExampleClient_RangeStream() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	values, err := client.RangeStream(ctx, "02393f70-c7e4-11e9-bfed-00163e104c79", &bge.RangeStreamOptions{StartTime: "1970-01", Limit: 2})
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range values.Result {
		var data struct {
			Unit string `json:"unit"`
		}
		if err := json.Unmarshal(item.StreamData, &data); err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.DataElement.Name, item.DataElement.Description, data.Unit)
	}
	// Output:
	// oxycodone 羟考酮 ng/mL
	// oxycodone 羟考酮 ng/mL
}

func ExampleClient_InvokeModel() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	result, err := client.InvokeModel(ctx, "slow-model", nil)
	if err != nil {
		log.Fatal(err)
	}
	if result.TaskID != "" { // it takes a while
		task, err := client.WaitTask(ctx, result.TaskID, nil)
		if err != nil {
			log.Fatal(err)
		}
		if err := json.Unmarshal(task.Result, result); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(result.ModelMsg)
	// Output: success
}

func ExampleClient_RegisterSample() {
	ctx := context.Background()
	client, err := bge.Open(ctx, bge.WithClientCredentials(os.Getenv("BGE_CLIENT_ID"), os.Getenv("BGE_CLIENT_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	const lab, feces, project = "lab-17", 1, "P-W1234567"
	registered, err := client.RegisterSample(ctx, lab, feces, project, &bge.RegisterSampleOptions{DuplicateEnabled: true})
	if err != nil {
		log.Fatal(err)
	}
	err = client.ImproveSample(ctx, registered.BiosampleID, &bge.ImproveSampleOptions{LibraryStrategy: "WGS"})
	if err != nil {
		log.Fatal(err)
	}
	sample, err := client.Sample(ctx, registered.BiosampleID, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sample.BiosampleSite.Display, sample.Omic.Display)
	// Output: feces metagenomics
}

func ExampleClient_UploadFile() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	folder, err := os.MkdirTemp("", "bge")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	reads := filepath.Join(folder, "reads.fastq")
	if err := os.WriteFile(reads, []byte("@r1\nACGT\n+\nIIII\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	uploaded, err := client.UploadFile(ctx, reads, nil)
	if err != nil {
		log.Fatal(err)
	}
	downloaded, err := client.DownloadFile(ctx, uploaded.ObjectName, filepath.Join(folder, "back.fastq"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(uploaded.Size, downloaded.Size, downloaded.Verified, uploaded.CRC64 == downloaded.CRC64)
	// Output: 16 16 true true
}

func ExampleClient_Upload() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	uploaded, err := client.Upload(ctx, "notes.txt", strings.NewReader("从任何 io.Reader 上传\n"), nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Download(ctx, uploaded.ObjectName, os.Stdout, nil); err != nil {
		log.Fatal(err)
	}
	// Output: 从任何 io.Reader 上传
}

func ExampleClient_OpenWriter() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	w, err := client.OpenWriter(ctx, "calls.tsv.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Abort() // nothing after Close
	zip := gzip.NewWriter(w)
	for position := range 3 {
		if _, err := fmt.Fprintf(zip, "chr1\t%d\n", position); err != nil {
			log.Fatal(err)
		}
	}
	if err := errors.Join(zip.Close(), w.Close()); err != nil { // only now is the object there
		log.Fatal(err)
	}

	r, err := client.OpenReader(ctx, w.Uploaded().ObjectName, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	unzip, err := gzip.NewReader(r)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, unzip); err != nil {
		log.Fatal(err)
	}
	// Output:
	// chr1	0
	// chr1	1
	// chr1	2
}

func ExampleClient_AppletURL() {
	ctx := context.Background()
	client, err := bge.Open(ctx) // a user's token
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.AppletURL(ctx, "code", nil)
	var failure *bge.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Code == bge.CodeNotForUsers, failure.Msg)
	}
	// Output: true 本接口不支持授权码模式的应用访问
}

func ExampleClient_ReportDetails() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	samples, err := client.Samples(ctx, &bge.SamplesOptions{Omics: []int{1}, Limit: 1})
	if err != nil {
		log.Fatal(err)
	}
	reports, err := client.ReportDetails(ctx, samples.Result[0].BiosampleID, "traits", nil)
	if err != nil {
		log.Fatal(err)
	}
	var first struct {
		Title string `json:"title"`
	}
	if err := json.Unmarshal(reports.List[0], &first); err != nil {
		log.Fatal(err)
	}
	fmt.Println(reports.Total, first.Title)
	// Output: 8 酒精代谢能力
}

func ExampleNewOAuth2() {
	ctx := context.Background()
	oauth2, err := bge.NewOAuth2(os.Getenv("BGE_CLIENT_ID"), os.Getenv("BGE_CLIENT_SECRET"),
		bge.WithEndpoint(os.Getenv("BGE_ENDPOINT")))
	if err != nil {
		log.Fatal(err)
	}
	defer oauth2.Close()

	client, err := oauth2.Client(nil) // client credentials; a user's *Token for a user
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	introspection, err := client.Introspect(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(introspection.Active)
	// Output: true
}

func ExampleError() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.Variants(ctx, "E-B00000000000", []string{"rs762551"}, nil)
	var failure *bge.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("too slow")
	case errors.Is(err, bge.ErrAuth):
		fmt.Println("a new token is needed")
	case errors.As(err, &failure):
		fmt.Println(failure.Status, failure.Code, failure.Retryable)
	}
	// Output: BGE_ERR_API 41303 false
}

func ExampleClient_CallRaw() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	raw, err := client.CallRaw(ctx, "get_samples", map[string]any{"omics": []int{1, 2}, "limit": 1, "next_page": 99})
	fmt.Println(string(raw), err)
	// Output: {"result":[],"count":60,"next_page":null} <nil>
}

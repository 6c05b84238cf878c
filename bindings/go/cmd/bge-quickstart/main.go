// Command bge-quickstart shows the platform from Go, top to bottom: sign in, list samples, look up variants, walk a
// microbiome profile, upload a file, download it again, compare the two, and see what an error looks like.
//
//	bge-sandbox run -- go run github.com/libbge/libbge/bindings/go/cmd/bge-quickstart
//
// The environment says where and who: BGE_ENDPOINT (the real platform when unset), BGE_ACCESS_TOKEN, and BGE_CLIENT_ID
// with BGE_CLIENT_SECRET. bge-sandbox run sets all of them.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	bge "github.com/libbge/libbge/bindings/go"
)

func main() {
	// Ctrl-C ends whatever call is under way
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "libbge", bge.Version())
	client, err := signIn(ctx, out)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := signInAsApplication(ctx, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "Samples:")
	genome, err := listSamples(ctx, out, client, 1)
	if err != nil {
		return err
	}
	metagenome, err := listSamples(ctx, out, client, 2)
	if err != nil {
		return err
	}
	if err := lookUpVariants(ctx, out, client, genome); err != nil {
		return err
	}
	if err := walkProfile(ctx, out, client, metagenome); err != nil {
		return err
	}
	if err := uploadAndDownload(ctx, out, client); err != nil {
		return err
	}
	return showAnError(ctx, out, client)
}

// signIn makes a client for the user whose access token is in the environment.
func signIn(ctx context.Context, out io.Writer) (*bge.Client, error) {
	client, err := bge.Open(ctx)
	if err != nil {
		return nil, err
	}
	user, err := client.User(ctx, nil)
	if err != nil {
		client.Close()
		return nil, err
	}
	fmt.Fprintf(out, "Signed in as the user %s.\n", user.Username)
	return client, nil
}

// signInAsApplication uses the application's own credentials; its clients renew their tokens by themselves.
func signInAsApplication(ctx context.Context, out io.Writer) error {
	client, err := bge.Open(ctx, bge.WithClientCredentials(os.Getenv("BGE_CLIENT_ID"), os.Getenv("BGE_CLIENT_SECRET")))
	if err != nil {
		return err
	}
	defer client.Close()
	samples, err := client.Samples(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Signed in as an application, too: it sees %d samples on the first page.\n", len(samples.Result))
	return nil
}

// listSamples lists samples of one kind (omics 1: genomes, 2: metagenomes) and gives the id of the first.
func listSamples(ctx context.Context, out io.Writer, client *bge.Client, omics int) (string, error) {
	samples, err := client.Samples(ctx, &bge.SamplesOptions{Omics: []int{omics}, Limit: 3})
	if err != nil {
		return "", err
	}
	if len(samples.Result) == 0 {
		return "", fmt.Errorf("there is no sample of omics %d", omics)
	}
	for _, sample := range samples.Result {
		fmt.Fprintf(out, "  %-16s %-14s %s\n", sample.BiosampleID, sample.Omic.Display, sample.BiosampleSite.Display)
	}
	return samples.Result[0].BiosampleID, nil
}

func lookUpVariants(ctx context.Context, out io.Writer, client *bge.Client, biosampleID string) error {
	variants, err := client.Variants(ctx, biosampleID, []string{"rs762551", "rs333"}, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Variants of %s:\n", biosampleID)
	for _, v := range variants {
		genotype := v.Variant.Genotype
		if genotype == "" {
			genotype = "(not called)"
		}
		fmt.Fprintf(out, "  %-12s %s:%d  %s\n", strings.Join(v.AlternateID, ","), v.Variant.Chromosome, v.Variant.Position, genotype)
	}
	return nil
}

// walkProfile reads all pages of a profile in one loop.
func walkProfile(ctx context.Context, out io.Writer, client *bge.Client, biosampleID string) error {
	taxa, highest, name := 0, -1.0, ""
	for taxon, err := range client.AllTaxonAbundance(ctx, biosampleID, &bge.TaxonAbundanceOptions{Limit: 100}) {
		if err != nil {
			return err
		}
		value, err := taxon.Observation.Value.Float64()
		if err != nil {
			return err
		}
		if taxa++; value > highest {
			highest, name = value, taxon.Taxonomy.TaxonName
		}
	}
	fmt.Fprintf(out, "The microbiome of %s: %d taxa; the most abundant is %s (%g %%).\n", biosampleID, taxa, name, highest)
	return nil
}

// reads makes up sequencing reads, the same each time.
func reads() []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	for i := range 2000 {
		read := make([]byte, 100)
		for k := range read {
			read[k] = "ACGT"[random.IntN(4)]
		}
		fmt.Fprintf(&text, "@read.%d\n%s\n+\n%s\n", i, read, bytes.Repeat([]byte{'I'}, len(read)))
	}
	return text.Bytes()
}

func uploadAndDownload(ctx context.Context, out io.Writer, client *bge.Client) error {
	folder, err := os.MkdirTemp("", "bge-quickstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	here, content := filepath.Join(folder, "reads.fastq"), reads()
	if err := os.WriteFile(here, content, 0o600); err != nil {
		return err
	}

	uploaded, err := client.UploadFile(ctx, here, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Uploaded %d bytes (CRC-64 %s) as %s.\n", uploaded.Size, uploaded.CRC64, uploaded.ObjectName)

	downloaded, err := client.DownloadFile(ctx, uploaded.ObjectName, filepath.Join(folder, "reads.back.fastq"), nil)
	if err != nil {
		return err
	}
	back, err := os.ReadFile(downloaded.Path)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, content) {
		return errors.New("what came back is not what was uploaded")
	}
	fmt.Fprintf(out, "Downloaded it again (verified: %t): the two files are the same.\n", downloaded.Verified)
	return nil
}

func showAnError(ctx context.Context, out io.Writer, client *bge.Client) error {
	_, err := client.Variants(ctx, "E-B00000000000", []string{"rs762551"}, nil)
	var failure *bge.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("a sample that is nobody's gives %w", err)
	}
	fmt.Fprintln(out, "What an error looks like:")
	fmt.Fprintln(out, "  status      ", failure.Status)
	fmt.Fprintln(out, "  message     ", failure.Message)
	fmt.Fprintln(out, "  code        ", failure.Code)
	fmt.Fprintln(out, "  HTTP status ", failure.HTTPStatus)
	fmt.Fprintln(out, "  request id  ", failure.RequestID)
	fmt.Fprintln(out, "  worth repeating:", failure.Retryable)
	return nil
}

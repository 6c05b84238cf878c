# R alone, without a compiler: the binary package
if command -v cc || command -v gcc; then echo "this system has a compiler" >&2; exit 1; fi
tar -xzf "/dist/libbge-$VERSION-$PLATFORM.tar.gz" -C /opt
export BGE_SANDBOX_BIN="/opt/libbge-$VERSION-$PLATFORM/bin/bge-sandbox"
R CMD INSTALL "/dist/bge_${VERSION}_R_x86_64-pc-linux-gnu.tar.gz"
cd /tmp
Rscript -e 'library(bge)
  api <- bge_sandbox()$user
  samples <- bge_get_samples(api, omics = 2)
  taxa <- bge_get_taxon_abundance(api, samples$biosample_id[1])
  stopifnot(nrow(samples) > 1, nrow(taxa) > 100, is.numeric(taxa$observation_value))
  stopifnot(inherits(vignette("taxa-zh", "bge"), "vignette"))
  print(bge_sitrep(api))'
R CMD REMOVE bge

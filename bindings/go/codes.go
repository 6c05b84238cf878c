package bge

// Codes of the platform that are known, as Error.Code has them.
const (
	CodeBadRequest   = 400   // the authorization code, redirect URI, refresh token or client secret is wrong
	CodeNoPermission = 401   // the token lacks the scope
	CodeBadToken     = 403   // the access token is unknown or has ended
	CodeNotForUsers  = 40014 // the call is for client-credentials tokens only
	CodeBadParameter = 41001 // a parameter is missing, malformed or out of range
	CodeNoSuchModel  = 41202 // the model does not exist
	CodeNotYours     = 41303 // the sample does not exist, or is not the caller's
)

// Omics, of SamplesOptions.Omics and Sample.Omic.
const (
	OmicGenomics     = 1
	OmicMetagenomics = 2
)

// Catalogs of functions, of FuncAbundance.
const (
	CatalogGO               = "go"
	CatalogKO               = "ko"
	CatalogEggNOG           = "eggnog"
	CatalogPfam             = "pfam"
	CatalogKEGGPathways     = "kegg-pwy"
	CatalogKEGGModules      = "kegg-mdl"
	CatalogLevel4EC         = "level4ec"
	CatalogMetaCycReactions = "metacyc-rxn"
	CatalogMetaCycPathways  = "metacyc-pwy"
)

// Catalogs of genes and kinds of their data, of GeneAbundance.
const (
	CatalogIGC      = "IGC_9.9M"
	CatalogUniRef90 = "UniRef90_HUMAnN2_0.11"

	GenesAsList = "list"
	GenesAsFile = "file"
)

// Domains of reports, of ReportDetails.
const (
	DomainTraits                  = "traits"
	DomainPGx                     = "pgx"
	DomainCommonDiseaseRisk       = "common_disease_risk"
	DomainGeneticDiseaseMendelian = "genetic_disease_mendelian"
	DomainGeneticDiseaseRisk      = "genetic_disease_risk"
)

// What Task.Progress says.
const (
	TaskPending = "PENDING"
	TaskStarted = "STARTED"
	TaskSuccess = "SUCCESS"
	TaskFailure = "FAILURE"
	TaskRevoked = "REVOKED"
)

// Regions of the object store, of DownloadOptions and others.
const (
	RegionDomestic      = "domestic"
	RegionInternational = "international"
)

// Directions of RangeStream.
const (
	SortAscending  = "asc"
	SortDescending = "desc"
)

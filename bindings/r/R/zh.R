# The pages of the functions that are used most, in Chinese: ?`bge_open-zh` and so on.

#' 打开客户端
#'
#' `bge_open()` 自己寻找凭证：先看参数，再看环境变量（`BGE_ACCESS_TOKEN`，或者 `BGE_CLIENT_ID` 和 `BGE_CLIENT_SECRET`），最后看
#' `bge` 命令保存的配置（`BGE_PROFILE`，否则是当前激活的那个）。`bge_client()` 直接接受访问令牌。两者都不联网。
#'
#' 客户端不会显示或保存任何密钥。凭证来自环境变量或配置的客户端，可以用 `saveRDS()` 保存，或者送到别的 R 进程，在那里会自动重新打开，
#' 并且仍然连接到创建时的地址；其他客户端在别的进程里会报 `bge_error_closed`，并说明原因。
#'
#' @section 参数:
#' * `access_token`：访问令牌。
#' * `...`：按名称给出的选项：`endpoint`（平台地址），`timeout`（一次请求允许的最长静默，秒），`deadline`（一次调用连同重试的总时间，秒），
#'   `max_retries`（重试次数），`proxy`（代理），`ca_file`（PEM 证书），`log` 和 `log_file`（日志），`token_file`（保存令牌的文件）等。
#'   不认识的选项会报错。
#' @return `bge_client` 对象，作为各函数的第一个参数。`summary()` 显示它的情况，`as.list()` 给出 `endpoint`、`credentials`、`state` 和
#'   `options`。
#' @seealso 英文页 [bge_open()]；[`bge_login-zh`]，[bge_sitrep()]。
#' @name bge_open-zh
#' @aliases bge_client-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   api <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
#'   summary(api)
#'   bge_sitrep(api)
#' }
NULL

#' 用浏览器登录
#'
#' 打开平台的授权页面，用户登录并同意之后，浏览器会转到应用登记的 `redirect_uri`。授权地址总会打印出来，可以在任何浏览器里打开。
#'
#' `redirect_uri` 是本机地址（`http://127.0.0.1:端口/...` 或 `http://localhost:端口/...`）并且端口可以打开时，由 R 自己接收回调，不需要粘贴；
#' 否则请把浏览器最后的地址（或其中的 code）粘贴到 R 里。
#'
#' 给出 `token_file` 时，令牌立即写入该文件（只有本人可读），之后的更新也写在那里。以后的会话里设置好 `BGE_CLIENT_ID` 和
#' `BGE_CLIENT_SECRET`，用 `bge_open(token_file = ...)` 就可以继续使用。
#'
#' @section 参数:
#' * `oauth2`：由 [bge_oauth2()] 得到的应用，默认取自环境变量。
#' * `redirect_uri`：应用登记的回调地址。
#' * `scopes`：申请的权限，字符向量。
#' * `browse`，`ask`：显示地址和询问回答的函数。
#' * `token_file`：保存令牌的文件。
#' * `timeout`：等待浏览器的秒数。
#' @return 会自动更新令牌的客户端，见 [`bge_open-zh`]。
#' @seealso 英文页 [bge_login()]；[bge_oauth2()]。
#' @name bge_login-zh
#' @examples
#' if (interactive() && nzchar(Sys.getenv("BGE_CLIENT_ID"))) {
#'   api <- bge_login(redirect_uri = "http://127.0.0.1:1410/callback", scopes = "profile")
#' }
NULL

#' 样本列表
#'
#' 令牌有权查看的样本，每个样本一行。默认取回所有页。
#'
#' @section 参数:
#' * `api`：客户端。
#' * `biosample_ids`，`project_ids`，`statuses`：样本编号、项目编号、状态代码，都可以是向量。
#' * `omics`：1 基因组，2 宏基因组。`biosample_sites`：采样部位 1 到 15。`organisms`：物种 1 到 3。
#' * `data_availability`：只要有（或没有）数据的样本。`require_files`：同时列出样本的文件。
#' * `limit`：每页行数。`max_rows`，`max_pages`：最多取多少，属性 `next_page` 说明从哪里继续。`all_pages = FALSE` 只取一页。
#' * `extra`：`list(名称 = 值)`，原样传给平台的其他参数。名称写错的参数会得到警告 `bge_warning_unknown_argument`。
#' @return 数据框。编号是字符，时间是 `POSIXct`（UTC；`options(bge.times = "character")` 保留原文），代码列旁边的 `_display` 列是它的含义，嵌套
#'   内容是列表列。`options(bge.tibble = TRUE)` 返回 tibble。
#' @seealso 英文页 [bge_get_samples()]（列出所有列）；[`bge_table-zh`]。
#' @name bge_get_samples-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   samples <- bge_get_samples(sandbox$user, omics = 2)
#'   head(samples[c("biosample_id", "omic_display", "status_display")])
#' }
NULL

#' 一个样本的变异位点
#'
#' 按 rsID 查询一个样本的变异。超过 100 个 rsID 时自动分批。
#'
#' `variant_position` 是 GRCh38 上从 1 开始的位置，与 VCF 和 dbSNP 相同。四种状态不会混淆：检出替代等位基因；与参考一致（GT 为 `0/0`，
#' 没有 `variant_alternate_base`）；检测过但无法判定（`is_no_call` 为 `TRUE`）；没有检测（`is_assayed` 为 `FALSE`，没有位置）。
#'
#' @section 参数:
#' * `api`：客户端。`biosample_id`：样本编号。`rsids`：rsID 向量。
#' @return 数据框，每个 rsID 一行。
#' @seealso 英文页 [bge_get_variants()]（列出所有列）；多个样本用 [`bge_genotypes-zh`]。
#' @name bge_get_variants-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   variants <- bge_get_variants(sandbox$user, sandbox$biosample_id, c("rs762551", "rs333"))
#'   variants[c("variant_chromosome", "variant_position", "variant_genotype")]
#' }
NULL

#' 一个样本的物种丰度
#'
#' 一个宏基因组样本中每个分类单元的相对丰度（百分比）。不同分类等级互相包含，只有同一等级的丰度才能相加。
#'
#' @section 参数:
#' * `api`：客户端。`biosample_id`：样本编号。`taxon_ids`：只要这些分类单元，例如 `"txid815"`。
#' * `limit`，`max_rows`，`max_pages`，`all_pages`：见 [`bge_get_samples-zh`]。
#' @return 数据框，每个分类单元一行：`taxonomy_taxon_id`，`taxonomy_taxon_name`，`taxonomy_rank`（等级），`taxonomy_lineage`（谱系），
#'   `observation_value`（丰度），`background_mean`（参考人群的均值）等。
#' @seealso 英文页 [bge_get_taxon_abundance()]（列出所有列）；多个样本用 [`bge_abundance_matrix-zh`]。
#' @name bge_get_taxon_abundance-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   taxa <- bge_get_taxon_abundance(sandbox$user, sandbox$meta_biosample_id)
#'   head(taxa[c("taxonomy_taxon_name", "observation_value")])
#' }
NULL

#' 许多样本的数据，一个数据框
#'
#' 一个列表调用的所有页，可以是一个样本，也可以是整个队列。程序库同时读取几个样本，行按样本的顺序排列。
#'
#' @section 参数:
#' * `name`：调用的名称，例如 `"get_taxon_abundance"`、`"get_variants"`、`"get_samples"`。
#' * `biosample_id`：样本编号向量；`biosample_ids = "all"` 表示所有符合筛选条件的样本。
#' * `columns`：只保留这些列。`as`：`"data.frame"`，或者 `"nanoarrow"`、`"arrow"` 的数据流。
#' * `concurrency`：同时读取几个样本。`rate_limit`：每秒请求数。
#' * `on_error = "skip"`：跳过失败的样本，并给出警告，属性 `failed` 说明原因。
#' * `checkpoint_dir`：保存已完成样本的文件夹，中断之后再次调用会从那里继续。
#' @return 数据框。列与单个样本的函数相同，另有 `extra`：其他列没有包含的内容，JSON 文本。
#' @seealso 英文页 [bge_table()]；[`bge_abundance_matrix-zh`]，[`bge_genotypes-zh`]。
#' @name bge_table-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   ids <- bge_get_samples(sandbox$user, omics = 2)$biosample_id[1:3]
#'   taxa <- bge_table(sandbox$user, "get_taxon_abundance", biosample_id = ids, limit = 500)
#'   table(taxa$biosample_id)
#' }
NULL

#' 队列的丰度矩阵
#'
#' 许多样本的物种、功能或基因丰度，一个数值矩阵：行是物种（功能、基因），列是样本。
#'
#' @section 参数:
#' * `biosample_ids`：样本编号，不能重复。
#' * `rank`：只要这一等级，例如 `"species"`。`catalog`：功能或基因的目录，例如 `"kegg-pwy"`。
#' * `value`：格子里的值取自哪一列，默认 `observation_value`。
#' * 其他参数见 [`bge_table-zh`]。
#' @return 矩阵。样本没有的物种是 0；没有任何数据的样本整列是 `NA`，并有警告 `bge_warning_no_rows` 列出它们。属性 `features` 是各行的说明（名称、
#'   等级、谱系等），`unit` 是单位，`failed` 是被跳过的样本。
#' @seealso 英文页 [bge_abundance_matrix()]；[bge_summarized_experiment()]，[bge_phyloseq()]。
#' @name bge_abundance_matrix-zh
#' @aliases bge_function_matrix-zh bge_gene_matrix-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   ids <- bge_get_samples(sandbox$user, omics = 2)$biosample_id[1:3]
#'   abundance <- bge_abundance_matrix(sandbox$user, ids, rank = "species", limit = 500)
#'   dim(abundance)
#' }
NULL

#' 队列的基因型矩阵
#'
#' 许多样本在给定 rsID 上的基因型：行是位点，列是样本。不同样本的替代等位基因会合并，GT 的编号也随之调整。
#'
#' @section 参数:
#' * `biosample_ids`：样本编号。`rsids`：rsID，矩阵的行按此顺序。
#' * `as`：`"alleles"` 碱基（`"C/A"`），`"GT"` 编号（`"0/1"`），`"dosage"` 非参考等位基因的个数。
#' @return 矩阵。属性 `sites` 是位点表（染色体、从 1 开始的位置、参考、替代），`states` 区分 `"alternate"`、`"reference"`、`"no_call"`、
#'   `"not_assayed"`。没有任何数据的样本整列是 `NA`，并有警告。
#' @seealso 英文页 [bge_genotypes()]；[bge_variants_granges()]。
#' @name bge_genotypes-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   ids <- bge_get_samples(sandbox$user, omics = 1)$biosample_id[1:3]
#'   bge_genotypes(sandbox$user, ids, c("rs762551", "rs333"), as = "GT")
#' }
NULL

#' 上传
#'
#' 上传到对象存储中调用者的文件夹：一个文件，一个文件夹，一组文件，或者内存中的数据。大文件分块并行上传，内容用 CRC-64 校验。Ctrl-C 可以中断；
#' 给出 `checkpoint_dir` 时，再次调用会从中断处继续。
#'
#' @section 参数:
#' * `path`：文件或文件夹的路径，可以用 `~`，文件名可以是任何编码。`files`：一组路径，或者有 `path` 和 `filename` 两列的数据框。
#' * `filename`：在对象存储中的名称，不含 `/`。`data`：`raw` 向量或一个字符串。
#' * `recursive`，`separator`：是否包含子文件夹，以及名称如何连接。
#' * `part_size`，`multipart_threshold`，`multipart_num_threads`：分块的大小、起点和并行数。
#' @return 列表：`path`（本地路径），`object_name`（成为哪个对象），`size`（字节），`crc64`，`etag`，`parts`，`verified`（是否校验过）。文件夹和
#'   一组文件返回数据框，每个文件一行。
#' @seealso 英文页 [bge_upload_file()]；[`bge_download-zh`]。
#' @name bge_upload_file-zh
#' @aliases bge_upload-zh bge_upload_dir-zh bge_batch_upload-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   file <- tempfile("reads-", fileext = ".txt")
#'   writeLines("ACGT", file)
#'   bge_upload_file(sandbox$user, file)[c("path", "size", "verified")]
#' }
NULL

#' 下载
#'
#' 从对象存储下载一个或多个对象。数据先写入临时文件，全部到齐并校验之后才换成正式的名称：不会留下写了一半的文件，R 的内存也不会增长。
#' `bge_download_raw()` 返回字节。
#'
#' @section 参数:
#' * `object_name`：对象名称，可以是向量。`path`：文件路径或已有的文件夹；多个对象时是文件夹，或者同样多的路径。
#' * `dir`：`bge_download_dir()` 的文件夹，不存在时会创建。
#' * `overwrite = FALSE`：文件已经存在时不下载，并报错。
#' @return 一个对象：列表 `path`，`size`，`crc64`，`verified`。多个对象：数据框，每个对象一行。`bge_download_raw()`：`raw` 向量。
#' @seealso 英文页 [bge_download()]；[`bge_upload_file-zh`]。
#' @name bge_download-zh
#' @aliases bge_download_dir-zh bge_download_raw-zh
#' @examples
#' sandbox <- bge_sandbox() # 没有安装 bge-sandbox 时为 NULL
#' if (!is.null(sandbox)) {
#'   object <- bge_upload(sandbox$user, "greeting.txt", "hello")$object_name
#'   bge_download(sandbox$user, object, tempdir())$path
#' }
NULL

#' 错误
#'
#' 每次失败都是一个条件，类别说明原因，可以用 `tryCatch()` 分别处理：
#'
#' * `bge_error_argument`：参数不对，什么也没有发送
#' * `bge_error_transport`：域名解析、连接、TLS、代理
#' * `bge_error_timeout`：超时
#' * `bge_error_http`：其他 HTTP 错误
#' * `bge_error_api`：平台拒绝，`code` 是平台的代码
#' * `bge_error_auth`：令牌错误、过期，或者没有权限
#' * `bge_error_protocol`：回答不符合约定
#' * `bge_error_storage`：对象存储拒绝
#' * `bge_error_integrity`：长度或校验和不对
#' * `bge_error_io`：本地文件无法读写
#' * `bge_error_closed`：客户端已经关闭，或者属于别的进程
#'
#' @section 字段:
#' `code`（平台代码），`http_status`，`request_id`（向平台反馈时请附上），`retryable`（是否值得重试），`data`（平台附带的内容），`details`（全部
#' 信息：平台原话 `msg`，建议 `hint`，`retry_after` 等）。翻页中途失败时，`rows` 是已经取到的行，`next_page` 是从哪里继续。
#'
#' @section 平台代码:
#' 400 授权码、回调地址、刷新令牌或密钥不对；401 没有权限；403 令牌错误或失效；40014 只支持应用自己的令牌；41001 参数错误；41202 没有这个模型；
#' 41303 样本不存在或不属于本人。
#'
#' @return 没有返回值：本页说明条件。
#' @seealso 英文页 [bge_error]；[bge_sitrep()]。
#' @name bge_error-zh
#' @examples
#' api <- bge_client("no-such-token", endpoint = "http://127.0.0.1:1", max_retries = 0)
#' tryCatch(
#'   bge_get_user(api),
#'   bge_error_transport = function(e) message("无法连接，是否值得重试：", e$retryable)
#' )
NULL

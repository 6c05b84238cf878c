//! The help of `bge extract`.

pub const WORDS: &[(&str, &str)] = &[
    ("A byte order mark before the CSV, for Excel", "在 CSV 开头写入字节序标记，便于 Excel 打开"),
    (
        "A file of biosample ids, one a line (# begins a comment; - is standard input), or `all` that get_samples lists",
        "生物样品编号的文件，每行一个（# 开头为注释；- 为标准输入），或 `all` 即 get_samples 列出的全部样品",
    ),
    (
        "A file through which all processes of this machine keep to --rate-limit together",
        "本机所有进程通过该文件共同遵守 --rate-limit",
    ),
    (
        "A folder that keeps the pages of finished samples: a run that was ended goes on from there",
        "保存已完成样品各页的文件夹：中断后从此处继续",
    ),
    (
        "A folder through which any number of workers share the samples, a chunk at a time; the output is a folder",
        "任意多个进程通过该文件夹分批领取样品；输出为文件夹",
    ),
    ("A value of an unexpected type is an error", "类型不符的值视为错误"),
    (
        "Abundances as a table with features in rows and samples in columns: .tsv, .csv or .parquet. --columns describe the features",
        "把丰度写成以特征为行、样品为列的表格：.tsv、.csv 或 .parquet；--columns 给出描述特征的列",
    ),
    (
        "Another argument of the call, or with `--samples all` a filter of get_samples. The value goes out as it is typed; where the call takes an array or an object it is JSON",
        "接口的其他参数；使用 `--samples all` 时也可以是 get_samples 的筛选条件。值按原样发送；接口要求数组或对象时须为 JSON",
    ),
    ("End at the first sample that fails, instead of leaving it out", "有样品失败时立即结束，而不是跳过"),
    ("End when more samples than this have failed", "失败的样品超过该数目时结束"),
    (
        "How long an outage of the platform is waited out, with nobody left out for it",
        "平台故障时最长等待多久，期间不跳过样品",
    ),
    (
        "Looks whether a folder of Parquet files is whole and right, instead of fetching anything; --samples may name who has to be in it",
        "不下载数据，只检查 Parquet 文件夹是否完整正确；--samples 可给出应包含的样品",
    ),
    (
        "Makes one Parquet file of a folder of them, with the samples in the order of --samples",
        "把文件夹中的 Parquet 合并为一个文件，样品按 --samples 的顺序",
    ),
    ("No progress bar, and no lines of progress", "不显示进度"),
    (
        "Only part I of N of the samples, I from 0; which part a sample is in follows from its id alone",
        "只处理 N 份样品中的第 I 份（从 0 开始）；样品属于哪一份只取决于其编号",
    ),
    (
        "Only taxa of this rank, such as species, in .biom and with --matrix: ranks contain each other",
        "只要该分类级别（如 species）的物种，用于 .biom 与 --matrix：各级别互相包含",
    ),
    ("Only these columns, separated by commas", "只要这些列，以逗号分隔"),
    (
        "Pages of each sample that may wait to be written; as many as make some 8,000 rows unless given",
        "每个样品最多有多少页等待写出；缺省约 8,000 行",
    ),
    ("Requests per second, at most", "每秒最多请求数"),
    ("Samples at a time", "同时处理的样品数"),
    ("Samples of a chunk of the queue", "队列中每批的样品数"),
    (
        "Samples that cannot be had for good are no failure: they are listed, and the table is complete without them",
        "确实无法取得的样品不算失败：将其列出，表格仍视为完整",
    ),
    (
        "The file appears under its name only when it is whole: where samples are missing, what there is becomes NAME.partial.ENDING, and the ids that are missing, with the reasons, NAME.ENDING.failed.txt. Given as --samples for the same output, that list completes it. A signal (TERM, INT, HUP, USR1, USR2, XCPU) ends a run like that.",
        "文件完整后才以其名称出现：缺少样品时，已有内容写入 名称.partial.后缀，缺少的编号及原因写入 名称.后缀.failed.txt；把该清单作为 --samples 再次运行同一输出即可补全。收到信号（TERM、INT、HUP、USR1、USR2、XCPU）时同样处理。",
    ),
    (
        "The list call, such as get_taxon_abundance or get_variants",
        "列表接口，如 get_taxon_abundance 或 get_variants",
    ),
    (
        "The rsIDs of get_variants, one a line (# begins a comment)",
        "get_variants 的 rsID，每行一个（# 开头为注释）",
    ),
    (
        "Times and lists stay the text that they come as, in Parquet and Arrow too",
        "时间与列表保持原文，Parquet 与 Arrow 也一样",
    ),
    ("Told by the file's ending unless given", "未给出时由文件后缀决定"),
    (
        "What stands for null in CSV; nothing unless given, as for an empty text",
        "CSV 中表示空值的文本；缺省为空，与空字符串相同",
    ),
    (
        "Where the table goes: a file, - for standard output, or a folder (`DIR/`) of Parquet files that are read as one table",
        "表格输出到：文件、-（标准输出），或由多个 Parquet 文件组成一张表的文件夹（`DIR/`）",
    ),
    (
        "Writes the table of a list call, for a cohort of samples, to a file or a folder",
        "把一批样品的列表接口数据写成文件或文件夹中的表格",
    ),
];

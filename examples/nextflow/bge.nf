// bge extract as processes: parts of a cohort, and the check that all of it is there.
//   include { COHORT } from './bge.nf'

// One part of the samples, as a folder of Parquet files with its manifest.
process EXTRACT {
    tag "${shard}/${shards}"
    label 'bge'

    // 75: what is missing is worth repeating. A part that was killed is repeated, too; anything else would fail again.
    errorStrategy { task.exitStatus in [75, 130, 137, 140, 143] ? 'retry' : 'terminate' }
    maxRetries 5

    input:
    tuple val(shard), val(shards), path(samples)

    output:
    path "part-${shard}", emit: part

    script:
    def arguments = params.bge_arguments.collect { name, value -> "--arg '${quoted("${name}=${text(value)}")}'" }.join(' ')
    def quota = params.bge_rate_limit ? "--rate-limit ${params.bge_rate_limit}" : ''
    def budget = params.bge_rate_budget ? "--rate-budget '${quoted(params.bge_rate_budget)}'" : ''
    def missing = params.bge_allow_missing ? '--allow-missing' : ''
    """
    bge extract ${params.bge_call} ${arguments} --samples '${quoted(samples.toString())}' --shard ${shard}/${shards} \\
      --concurrency ${params.bge_concurrency} ${quota} ${budget} ${missing} \\
      --checkpoint-dir '${quoted(params.bge_checkpoint_dir)}' -o part-${shard}/
    """
}

// All parts in one folder, which is read as one table; every sample is there, once, with the rows that were fetched.
process WHOLE {
    label 'bge'
    publishDir params.bge_output, mode: 'copy'

    input:
    path parts
    path samples

    output:
    path 'taxa', emit: folder

    script:
    """
    mkdir taxa
    for part in ${parts}; do ln "\$part"/* taxa/ || cp "\$part"/* taxa/; done
    bge extract --verify-dataset --samples '${quoted(samples.toString())}' -o taxa/
    """
}

workflow COHORT {
    take:
    samples

    main:
    shards = Channel.of(0..<params.bge_parts).map { shard -> tuple(shard, params.bge_parts) }
    EXTRACT(shards.combine(samples))
    WHOLE(EXTRACT.out.part.collect(), samples)

    emit:
    folder = WHOLE.out.folder
}

// What stands between apostrophes in a shell.
def quoted(text) {
    text.replace("'", "'\\''")
}

// A value as the tool takes it: texts as they are, anything else as JSON.
def text(value) {
    value instanceof CharSequence ? value : groovy.json.JsonOutput.toJson(value)
}

// A cohort's table in parts that run wherever Nextflow can start jobs.
//   nextflow run examples/nextflow --samples ids.txt
include { COHORT } from './bge.nf'

workflow {
    COHORT(Channel.value(file(params.samples, checkIfExists: true)))
}

library(testthat)
library(bge)

test_check("bge")

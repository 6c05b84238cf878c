module github.com/libbge/libbge/bindings/go

go 1.24

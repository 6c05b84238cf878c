"""Untried on Conan's servers: Conan 2, from source, with the Rust of the machine."""
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, get

required_conan_version = ">=2.0"


class Libbge(ConanFile):
    name = "libbge"
    version = "0.1.0"
    description = "SDK of the BGE open omics platform behind a C ABI"
    license = "MIT OR Apache-2.0"
    url = homepage = "https://github.com/libbge/libbge"
    topics = ("genomics", "bioinformatics", "sdk")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("libbge is for Linux")

    def source(self):
        # the sha256 of the release's source archive belongs into conandata.yml
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def build(self):
        self.run("make build PROFILE=release", cwd=self.source_folder)

    def package(self):
        self.run(f'make install PREFIX="{self.package_folder}" RELOCATABLE=1', cwd=self.source_folder)
        for name in ("LICENSE-MIT", "LICENSE-APACHE"):
            copy(self, name, self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "bge")
        self.cpp_info.set_property("pkg_config_name", "bge")
        self.cpp_info.set_property("cmake_target_name", "bge::bge" if self.options.shared else "bge::bge-static")
        self.cpp_info.libs = ["bge"] if self.options.shared else [":libbge.a"]
        if not self.options.shared:
            self.cpp_info.system_libs = ["gcc_s", "rt", "pthread", "m", "dl"]

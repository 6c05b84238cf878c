/*
 * A plugin of htslib: samtools, bcftools and everything else on htslib reads and writes the platform's objects.
 *
 *   bge:OBJECT             with the credentials that bge_api_open finds (environment, active profile)
 *   bge://PROFILE/OBJECT   with those of a stored profile
 *
 * One client serves all streams of a profile in the process. A stream that a forked child inherits is opened anew there,
 * at its place. Messages go to standard error, which belongs to the program that loads the plugin, and errno says the
 * same: ENOENT, EACCES, ETIMEDOUT, EINVAL or EIO.
 */
#define _GNU_SOURCE
#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bge.h>

#define EXPORTED __attribute__((visibility("default")))

/* ---- the htslib that has loaded the plugin ---- */

static hfile_init_fn hfile_init;
static hfile_destroy_fn hfile_destroy;
static hfile_add_scheme_handler_fn hfile_add_scheme_handler;

static int find_htslib(void *library)
{
    /* ISO C has no cast from an object's address to a function's: POSIX says that this is how it is done */
    *(void **)&hfile_init = dlsym(library, "hfile_init");
    *(void **)&hfile_destroy = dlsym(library, "hfile_destroy");
    *(void **)&hfile_add_scheme_handler = dlsym(library, "hfile_add_scheme_handler");
    return hfile_init != NULL && hfile_destroy != NULL && hfile_add_scheme_handler != NULL ? 0 : -1;
}

/* by the library of the caller: in Python, say, its names are no one else's; else by the program's own names */
static int find_htslib_of(const void *caller)
{
    Dl_info place;
    void *library = NULL;
    if (dladdr(caller, &place) != 0 && place.dli_fname != NULL) {
        library = dlopen(place.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    }
    if (library == NULL || dlsym(library, "hfile_init") == NULL) {
        library = RTLD_DEFAULT;
    }
    return find_htslib(library);
}

/* ---- clients: one for each profile, for as long as the plugin is loaded ---- */

struct client {
    char *profile; /* NULL: whatever bge_api_open finds */
    bge_api_t *api;
    struct client *next;
};

static struct client *clients;
static pthread_mutex_t clients_lock = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void) { pthread_mutex_lock(&clients_lock); }
static void after_fork(void) { pthread_mutex_unlock(&clients_lock); }

static int errno_of(const bge_error_t *error)
{
    switch (bge_error_http_status(error)) {
    case 404: return ENOENT;
    case 401:
    case 403: return EACCES;
    default: break;
    }
    switch (bge_error_status(error)) {
    case BGE_ERR_ARGUMENT: return EINVAL;
    case BGE_ERR_TIMEOUT: return ETIMEDOUT;
    case BGE_ERR_AUTH: return EACCES;
    case BGE_ERR_CANCELLED: return ECANCELED;
    default: return EIO;
    }
}

/* says what went wrong, frees the error, and gives its errno; that a file is not there is the caller's to say */
static int explained(const char *object, bge_error_t *error)
{
    int number = errno_of(error);
    if (number != ENOENT) {
        fprintf(stderr, "[E::hfile_bge] %s: %s\n", object, bge_error_message(error));
    }
    bge_error_free(error);
    return number;
}

static bge_api_t *new_client(const char *profile, const char *object)
{
    bge_api_t *api = NULL;
    bge_args_t *options = NULL;
    bge_error_t *error = NULL;
    bge_status_t status = bge_args_new(&options, &error);
    if (status == BGE_OK && profile != NULL) {
        status = bge_args_add_text(options, "profile", profile, &error);
    }
    if (status == BGE_OK) {
        status = bge_api_open(bge_args_json(options), &api, &error);
    }
    bge_args_free(options);
    if (status != BGE_OK) {
        errno = explained(object, error);
        return NULL;
    }
    return api;
}

static int same(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* takes over `profile` */
static bge_api_t *client_of(char *profile, const char *object)
{
    bge_api_t *api = NULL;
    pthread_mutex_lock(&clients_lock);
    for (struct client *client = clients; client != NULL; client = client->next) {
        if (same(client->profile, profile)) {
            api = client->api;
        }
    }
    if (api == NULL && (api = new_client(profile, object)) != NULL) {
        struct client *client = malloc(sizeof *client);
        if (client == NULL) {
            bge_api_free(api);
            api = NULL;
            errno = ENOMEM;
        } else {
            *client = (struct client){profile, api, clients};
            clients = client;
            profile = NULL;
        }
    }
    pthread_mutex_unlock(&clients_lock);
    free(profile);
    return api;
}

static void free_clients(void)
{
    while (clients != NULL) {
        struct client *client = clients;
        clients = client->next;
        bge_api_free(client->api);
        free(client->profile);
        free(client);
    }
}

/* ---- streams ---- */

struct stream {
    hFILE base;
    const bge_api_t *api;
    char *object;
    bge_reader_t *reader;
    bge_writer_t *writer;
    uint64_t offset;
    pid_t maker;
};

static int failed(struct stream *stream, bge_error_t *error)
{
    errno = explained(stream->object, error);
    return -1;
}

static int open_reader(struct stream *stream)
{
    bge_error_t *error = NULL;
    uint64_t size = 0;
    if (bge_api_open_reader(stream->api, stream->object, NULL, &stream->reader, &error) != BGE_OK) {
        return failed(stream, error);
    }
    stream->maker = getpid();
    /* is it there? the answer brings the first bytes, too */
    if (stream->offset == 0 && bge_reader_size(stream->reader, &size, &error) != BGE_OK) {
        return failed(stream, error);
    }
    if (stream->offset > 0 && bge_reader_seek(stream->reader, stream->offset, &error) != BGE_OK) {
        return failed(stream, error);
    }
    return 0;
}

/* a reader belongs to the process that opened it: a forked child takes one of its own */
static int own_reader(struct stream *stream)
{
    if (stream->maker == getpid()) {
        return 0;
    }
    bge_reader_free(stream->reader);
    stream->reader = NULL;
    return open_reader(stream);
}

static ssize_t stream_read(hFILE *base, void *buffer, size_t size)
{
    struct stream *stream = (struct stream *)base;
    bge_error_t *error = NULL;
    size_t got = 0;
    if (stream->reader == NULL) {
        errno = EBADF;
        return -1;
    }
    if (size == 0) {
        return 0;
    }
    if (own_reader(stream) < 0) {
        return -1;
    }
    if (bge_reader_read(stream->reader, buffer, size, &got, &error) != BGE_OK) {
        return failed(stream, error);
    }
    stream->offset += got;
    return (ssize_t)got;
}

static off_t stream_seek(hFILE *base, off_t offset, int whence)
{
    struct stream *stream = (struct stream *)base;
    bge_error_t *error = NULL;
    uint64_t from = 0;
    if (stream->reader == NULL) {
        errno = ESPIPE;
        return -1;
    }
    if (own_reader(stream) < 0) {
        return -1;
    }
    if (whence == SEEK_CUR) {
        from = stream->offset;
    } else if (whence == SEEK_END && bge_reader_size(stream->reader, &from, &error) != BGE_OK) {
        return failed(stream, error);
    }
    if ((offset < 0 && (uint64_t)-offset > from) || (offset > 0 && (uint64_t)offset > (uint64_t)INT64_MAX - from)) {
        errno = EINVAL;
        return -1;
    }
    if (bge_reader_seek(stream->reader, from + (uint64_t)offset, &error) != BGE_OK) {
        return failed(stream, error);
    }
    stream->offset = from + (uint64_t)offset;
    return (off_t)stream->offset;
}

static ssize_t stream_write(hFILE *base, const void *buffer, size_t size)
{
    struct stream *stream = (struct stream *)base;
    bge_error_t *error = NULL;
    if (stream->writer == NULL) {
        errno = EBADF;
        return -1;
    }
    if (bge_writer_write(stream->writer, buffer, size, &error) != BGE_OK) {
        return failed(stream, error);
    }
    return (ssize_t)size;
}

/* the object appears only if all of it was written; its name is printed, since the platform chooses its folder */
static int finish(struct stream *stream)
{
    bge_error_t *error = NULL;
    char *result = NULL, *object = NULL;
    if (stream->base.has_errno) {
        /* what failed before is what is told */
        if (bge_writer_abort(stream->writer, &error) != BGE_OK) {
            bge_error_free(error);
        }
        errno = stream->base.has_errno;
        return -1;
    }
    if (bge_writer_finish(stream->writer, &result, &error) != BGE_OK) {
        return failed(stream, error);
    }
    if (bge_json_get(result, "/object_name", &object, NULL) == BGE_OK && object != NULL) {
        fprintf(stderr, "[hfile_bge] bge:%s\n", object);
    }
    bge_string_free(object);
    bge_string_free(result);
    return 0;
}

static int stream_close(hFILE *base)
{
    struct stream *stream = (struct stream *)base;
    int outcome = stream->writer == NULL ? 0 : finish(stream);
    int number = errno;
    bge_writer_free(stream->writer);
    bge_reader_free(stream->reader);
    free(stream->object);
    errno = number;
    return outcome;
}

static const struct hFILE_backend backend = {stream_read, stream_write, stream_seek, NULL, stream_close};

/* ---- opening ---- */

/* splits an address into profile and object; -1 when it is none */
static int split(const char *address, char **profile, char **object)
{
    const char *rest = address + strlen("bge:");
    *profile = NULL;
    if (strncmp(rest, "//", 2) == 0) {
        const char *slash = strchr(rest + 2, '/');
        if (slash == NULL || slash == rest + 2) {
            return -1;
        }
        *profile = strndup(rest + 2, (size_t)(slash - rest - 2));
        if (*profile == NULL) {
            return -1;
        }
        rest = slash + 1;
    }
    *object = *rest == '\0' ? NULL : strdup(rest);
    return *object == NULL ? -1 : 0;
}

static int open_writer(struct stream *stream)
{
    bge_error_t *error = NULL;
    if (bge_api_open_writer(stream->api, stream->object, NULL, &stream->writer, &error) != BGE_OK) {
        return failed(stream, error);
    }
    return 0;
}

static hFILE *open_stream(const char *address, const char *mode)
{
    char *profile = NULL, *object = NULL;
    if (strchr(mode, 'a') != NULL || strchr(mode, '+') != NULL || split(address, &profile, &object) < 0) {
        free(profile);
        free(object);
        errno = EINVAL;
        return NULL;
    }
    bge_api_t *api = client_of(profile, object);
    struct stream *stream = api == NULL ? NULL : (struct stream *)hfile_init(sizeof *stream, mode, 0);
    if (stream == NULL) {
        free(object);
        return NULL;
    }
    stream->api = api;
    stream->object = object;
    stream->reader = NULL;
    stream->writer = NULL;
    stream->offset = 0;
    stream->maker = getpid();
    stream->base.backend = &backend;
    if ((strchr(mode, 'w') != NULL ? open_writer(stream) : open_reader(stream)) < 0) {
        int number = errno;
        bge_reader_free(stream->reader);
        free(object);
        hfile_destroy(&stream->base);
        errno = number;
        return NULL;
    }
    return &stream->base;
}

static int is_remote(const char *address)
{
    (void)address;
    return 1;
}

static void serve(void)
{
    static const struct hFILE_scheme_handler handler = {open_stream, is_remote, "libbge", 10, NULL};
    static int is_prepared;
    if (!is_prepared) {
        is_prepared = pthread_atfork(before_fork, after_fork, after_fork) == 0;
    }
    hfile_add_scheme_handler("bge", &handler);
}

/* what htslib calls, where it was built with plugins */
EXPORTED int hfile_plugin_init(struct hFILE_plugin *self)
{
    if (self->api_version != 1 || find_htslib_of(__builtin_return_address(0)) < 0) {
        errno = ENOSYS;
        return -1;
    }
    self->name = "bge";
    self->destroy = free_clients;
    serve();
    return 0;
}

/*
 * For an htslib that was built without plugins, as in the pysam of PyPI and in Bioconductor: `library` is the path of the
 * library that holds it, which is loaded already, and `outcome` becomes 0, or an errno. The parameters are such that R's
 * .C can call it.
 */
EXPORTED void hfile_bge_register(const char *const *library, int *outcome)
{
    void *loaded = dlopen(*library, RTLD_LAZY | RTLD_NOLOAD);
    hisremote_fn hisremote = NULL;
    if (loaded != NULL) {
        *(void **)&hisremote = dlsym(loaded, "hisremote");
    }
    if (hisremote == NULL || find_htslib(loaded) < 0) {
        *outcome = ENOSYS;
        return;
    }
    (void)hisremote("bge:"); /* has htslib make its table of schemes */
    serve();
    *outcome = 0;
}

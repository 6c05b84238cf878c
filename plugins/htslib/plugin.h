/*
 * What a plugin of htslib needs to know and no package's header says: the members of a stream, and how a scheme is
 * handled. Declared here so that the plugin is built without htslib; a test compares it with the public header.
 */
#ifndef BGE_HTSLIB_PLUGIN_H
#define BGE_HTSLIB_PLUGIN_H

#include <stdarg.h>
#include <sys/types.h>

typedef struct hFILE hFILE;

/* what a stream can do; each returns -1 and sets errno when it fails */
struct hFILE_backend {
    ssize_t (*read)(hFILE *stream, void *buffer, size_t size);
    ssize_t (*write)(hFILE *stream, const void *buffer, size_t size);
    off_t (*seek)(hFILE *stream, off_t offset, int whence);
    int (*flush)(hFILE *stream);
    int (*close)(hFILE *stream);
};

/* the head of every stream; htslib's own but for `backend` */
struct hFILE {
    char *buffer, *begin, *end, *limit;
    const struct hFILE_backend *backend;
    off_t offset;
    unsigned at_eof : 1, mobile : 1, readonly : 1;
    int has_errno;
};

struct hFILE_scheme_handler {
    hFILE *(*open)(const char *address, const char *mode);
    int (*isremote)(const char *address);
    const char *provider;
    int priority;
    hFILE *(*vopen)(const char *address, const char *mode, va_list arguments);
};

struct hFILE_plugin {
    int api_version;
    void *obj;
    const char *name;
    void (*destroy)(void);
};

/* htslib's own functions; which htslib that is, is known only when it loads the plugin */
typedef hFILE *(*hfile_init_fn)(size_t size, const char *mode, size_t capacity);
typedef void (*hfile_destroy_fn)(hFILE *stream);
typedef void (*hfile_add_scheme_handler_fn)(const char *scheme, const struct hFILE_scheme_handler *handler);
typedef int (*hisremote_fn)(const char *address);

#endif

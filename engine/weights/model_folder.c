/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order they are preferred: full precision first, as diffusers does without a variant. */
static const char *const weight_files[] = {
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.safetensors.index.fp16.json",
    "model.fp16.safetensors",
    "model.safetensors.index.fp16.json",
    "diffusion_pytorch_model.bf16.safetensors",
    "model.bf16.safetensors",
    "diffusion_pytorch_model.non_ema.safetensors",
};

static const char *const pickled_files[] = { "diffusion_pytorch_model.bin", "pytorch_model.bin",
                                             "diffusion_pytorch_model.fp16.bin",
                                             "pytorch_model.fp16.bin" };

bool path_is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool path_exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder) + strlen(name) + 2;
    char  *path = malloc(length);
    if (path)
        snprintf(path, length, "%s/%s", folder, name);
    return path;
}

/* ---- the Hugging Face cache ---------------------------------------------------------------- */

/* models--owner--name/refs/main: the commit that `main` was at, which is the name of a folder. */
static bool read_ref(const char *folder, char commit[72])
{
    char   *path = path_join(folder, "refs/main");
    int     file = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    ssize_t bytes = file >= 0 ? read(file, commit, 71) : -1;
    if (file >= 0)
        close(file);
    free(path);
    size_t length = 0;
    while (bytes > 0 && length < (size_t)bytes &&
           ((commit[length] >= '0' && commit[length] <= '9') || (commit[length] >= 'a' && commit[length] <= 'f')))
        length++;
    commit[length] = '\0';
    return length > 0;
}

/* Without that file, which a download of one commit does not write: the only snapshot there is. */
static bool only_snapshot(const char *snapshots, char commit[72])
{
    DIR *folder = opendir(snapshots);
    int  count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.' && strlen(entry->d_name) < 72 && ++count == 1)
            snprintf(commit, 72, "%.71s", entry->d_name);
    if (folder)
        closedir(folder);
    return count == 1;
}

char *folder_of_model(const char *path)
{
    static const char index[] = "/model_index.json";
    size_t            length = strlen(path), end = sizeof index - 1;
    char              commit[72];
    if (length > end && strcmp(path + length - end, index) == 0)
        return strndup(path, length - end);
    char *snapshots = path_join(path, "snapshots"), *snapshot = NULL;
    if (snapshots && path_is_folder(snapshots) && (read_ref(path, commit) || only_snapshot(snapshots, commit)))
        snapshot = path_join(snapshots, commit);
    free(snapshots);
    if (snapshot && path_is_folder(snapshot))
        return snapshot;
    free(snapshot);
    return strdup(path);
}

void folder_hub_name(const char *path, char *out, size_t size)
{
    static const char mark[] = "models--";
    out[0] = '\0';
    for (const char *at = path; (at = strstr(at, mark)); at++) {
        if (at > path && at[-1] != '/')
            continue;
        at += sizeof mark - 1;
        size_t      length = strcspn(at, "/");
        const char *parted = strstr(at, "--");
        if (parted && parted < at + length)
            snprintf(out, size, "%.*s/%.*s", (int)(parted - at), at, (int)(at + length - parted - 2), parted + 2);
        else
            snprintf(out, size, "%.*s", (int)length, at);
        return;
    }
}

/* ---- lists of files ------------------------------------------------------------------------ */

bool file_list_add(FileList *list, Safetensors *file, EngineError *error)
{
    Safetensors **files = realloc(list->files, (list->count + 1) * sizeof *files);
    if (!files) {
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", safetensors_path(file));
        safetensors_close(file);
        return false;
    }
    list->files = files;
    files[list->count++] = file;
    return true;
}

void file_list_clear(FileList *list)
{
    for (size_t i = 0; i < list->count; i++)
        safetensors_close(list->files[i]);
    free(list->files);
    *list = (FileList){ .files = NULL };
}

static bool open_one(FileList *list, const char *path, bool headers_only, EngineError *error)
{
    Safetensors *file = headers_only ? safetensors_open_header(path, error)
                                     : safetensors_open(path, error);
    return file && file_list_add(list, file, error);
}

/* The shard of this name, opened if it is a new one; -1 with a sentence. */
static long open_shard(FileList *list, size_t first, const char *folder, const char *index_path,
                       const char *shard, bool headers_only, EngineError *error)
{
    size_t length = strlen(shard);
    if (length < 13 || strcmp(shard + length - 12, ".safetensors") != 0 || strchr(shard, '/') ||
        strchr(shard, '\\') || shard[0] == '.') {
        fail(error, ENGINE_BAD_FILE,
             "%s: names the file '%.160s'; only .safetensors files of the same folder are opened",
             index_path, shard);
        return -1;
    }
    char *path = path_join(folder, shard);
    if (!path) {
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open its files", index_path);
        return -1;
    }
    size_t at = first;
    while (at < list->count && strcmp(safetensors_path(list->files[at]), path) != 0)
        at++;
    bool ok = at < list->count;
    if (!ok && list->count - first >= FOLDER_MAX_FILES)
        fail(error, ENGINE_BAD_FILE, "%s: names more than %d files", index_path, FOLDER_MAX_FILES);
    else if (!ok)
        ok = open_one(list, path, headers_only, error);
    free(path);
    return ok ? (long)at : -1;
}

static bool open_shards(FileList *list, const char *folder, const char *index_path, const Json *index,
                        bool headers_only, EngineError *error)
{
    const Json *map = json_member(index, "weight_map");
    size_t      first = list->count;
    const char *last = "";
    long        at = -1;
    if (!json_is_object(map) || !json_first(map))
        return fail(error, ENGINE_BAD_FILE, "%s: has no 'weight_map' that lists tensors", index_path);
    for (const Json *item = json_first(map); item; item = json_next(item)) {
        const char *shard = json_string(item);
        if (!shard)
            return fail(error, ENGINE_BAD_FILE, "%s: the file of tensor '%.160s' is not a text",
                        index_path, json_name(item));
        if (strcmp(shard, last) != 0)
            at = open_shard(list, first, folder, index_path, shard, headers_only, error);
        if (at < 0)
            return false;
        last = shard;
        if (!safetensors_find(list->files[at], json_name(item)))
            return fail(error, ENGINE_BAD_FILE, "%s: says that %.160s holds tensor '%.160s', and it does not",
                        index_path, shard, json_name(item));
    }
    return true;
}

bool folder_json(Json **json, const char *folder, const char *name, EngineError *error)
{
    char *path = path_join(folder, name);
    if (!path)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", folder);
    bool there = path_exists(path);
    *json = there ? json_read(path, error) : NULL;
    bool ok = !there || *json;
    if (*json && !json_is_object(*json)) {
        ok = fail(error, ENGINE_BAD_FILE, "%s: holds no JSON object", path);
        json_free(*json);
        *json = NULL;
    }
    free(path);
    return ok;
}

static bool open_weights(FileList *list, const char *folder, const char *path, bool headers_only,
                         EngineError *error)
{
    size_t length = strlen(path);
    if (strcmp(path + length - 5, ".json") != 0)
        return open_one(list, path, headers_only, error);
    Json *index = json_read(path, error);
    bool  ok = index && open_shards(list, folder, path, index, headers_only, error);
    json_free(index);
    return ok;
}

bool folder_open(FileList *list, const char *folder, bool headers_only, EngineError *error)
{
    const char *what = "and no other weights";
    for (size_t i = 0; i < sizeof weight_files / sizeof *weight_files; i++) {
        char *path = path_join(folder, weight_files[i]);
        if (!path)
            return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", folder);
        bool there = path_exists(path);
        bool ok = there && open_weights(list, folder, path, headers_only, error);
        free(path);
        if (there)
            return ok;
    }
    for (size_t i = 0; i < sizeof pickled_files / sizeof *pickled_files; i++) {
        char *path = path_join(folder, pickled_files[i]);
        if (path && path_exists(path))
            what = "only a .bin file, a Python pickle that can run code and is never opened here";
        free(path);
    }
    return fail(error, ENGINE_BAD_FILE,
                "%s: has no diffusion_pytorch_model.safetensors or model.safetensors, %s", folder, what);
}

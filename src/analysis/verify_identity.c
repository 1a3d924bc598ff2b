// SPDX-License-Identifier: GPL-2.0-or-later
/* Is what runs what it is taken for? */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_internal.h"
#include "base/path.h"

/* --- files that are no programs ------------------------------------------------------------------
 */

/* In whole pages, as it is mapped. Of a file with more segments than the kernel loads (64 KiB of
 * headers) the first are asked. */
static bool elf_executes(const struct object *object, struct range part)
{
	enum { SEGMENTS = (64 << 10) / 56 };
	size_t count;
	const struct object_segment *s = object_segments(object, &count);

	for (size_t i = 0; i < count && i < SEGMENTS; i++) {
		struct range code = {s[i].offset, s[i].offset + s[i].filesz};

		if (!(s[i].perms & OBJECT_EXEC) || code.end < code.start)
			continue;
		code.start = align_down(code.start, VERIFY_PAGE);
		code.end = align_up(code.end, VERIFY_PAGE);
		if (!range_is_empty(range_intersect(code, part)))
			return true;
	}
	return false;
}

static struct range part_of(const struct vma *vma)
{
	return (struct range){vma->offset, vma->offset + range_length(vma->range)};
}

bool verify_has_code(const struct verify_file *file, const struct vma *vma)
{
	const struct object *object = file->file->object;

	return object && object_is_elf(object) && elf_executes(object, part_of(vma));
}

bool verify_is_program(const struct verify_file *file, const struct vma *vma)
{
	const struct object *object = file->file->object;

	return !object || object_pe_executes(object, part_of(vma)) || verify_has_code(file, vma);
}

/*
 * Files into which libraries write code, to map them twice where memory may not be written and
 * executed at once, or that have a page executable for its name's sake. A name proves nothing, so
 * there is a row all the same.
 */
static const struct {
	const char *name; /* a pattern */
	const char *what;
} caches[] = {
	{"*/ffi?????? (deleted)", "by its name closures of libffi"},
	{"*/orcexec.?????? (deleted)", "by its name code of liborc"},
	{"*/.gl?????? (deleted)", "by its name code of NVIDIA's OpenGL"},
	{"*/jit-*.dump", "by its name what a JIT compiler tells perf"},
	{"*/classes*.jsa", "by its name an archive of Java's classes"},
	{"*/sbcl.core", "by its name an image of SBCL"},
	{"*/gforth*.fi", "by its name an image of Gforth"},
};

const char *verify_known_cache(const char *path)
{
	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
		if (fnmatch(caches[i].name, path, 0) == 0)
			return caches[i].what;
	}
	return NULL;
}

/* --- threads of the kernel -----------------------------------------------------------------------
 */

/* What nobody but the kernel calls anything. (Others, as nfsd, are programs' names, too.) */
static const char *const kernel_names[] = {
	"kworker/*",         "ksoftirqd/[0-9]*", "migration/[0-9]*",
	"cpuhp/[0-9]*",      "watchdog/[0-9]*",  "idle_inject/[0-9]*",
	"rcuo[bgps]/[0-9]*", "rcub/[0-9]*",      "rcuc/[0-9]*",
	"irq/[0-9]*",        "jbd2/*",           "xfsaild/*",
	"kthreadd",          "kswapd[0-9]*",     "kcompactd[0-9]*",
	"khugepaged",        "kdevtmpfs",        "kauditd",
	"khungtaskd",        "oom_reaper",       "kblockd",
	"kintegrityd",       "kthrotld",         "kdmflush*",
	"rcu_sched",         "rcu_preempt",      "rcu_gp",
	"rcu_par_gp",        "scsi_eh_[0-9]*",   "scsi_tmf_[0-9]*",
	"ext4-rsv-conver",   "mm_percpu_wq",
};

static bool is_kernels_alone(const char *name)
{
	for (size_t i = 0; i < sizeof(kernel_names) / sizeof(kernel_names[0]); i++) {
		if (fnmatch(kernel_names[i], name, 0) == 0)
			return true;
	}
	return false;
}

/* Alike but for the numbers in them. */
static bool is_alike(const char *a, const char *b)
{
	while (*a && *b) {
		size_t digits = strspn(a, "0123456789"), others = strspn(b, "0123456789");

		if (!digits != !others || (!digits && *a != *b))
			return false;
		a += digits ? digits : 1;
		b += digits ? others : 1;
	}
	return !*a && !*b;
}

/* Rescuers of work queues are called by those alone up to Linux 6.8: "kworker/R-mld" was "mld". */
static struct error *keep_kernel_thread(struct verify *v, const char *command)
{
	static const char rescuer[] = "kworker/R-";
	size_t skipped = strncmp(command, rescuer, strlen(rescuer)) == 0 ? strlen(rescuer) : 0;
	char *name = strdup(command + skipped);
	struct error *error = name ? vec_push(&v->kernel_threads, name) : error_nomem();

	if (error)
		free(name);
	return error;
}

static struct error *load_kernel_threads(struct verify *v)
{
	process_vec list = {0};
	struct error *error = target_processes(v->target, &list);

	for (size_t i = 0; !error && i < list.count; i++) {
		if (list.items[i].kernel_thread)
			error = keep_kernel_thread(v, list.items[i].command);
	}
	vec_deinit(&list);
	v->has_kernel_threads = true;
	return error_forgive(error); /* then the names that nobody else has must do */
}

/* Whether a thread of this kernel has the name. */
static struct error *is_kernel_thread(struct verify *v, const char *name, bool *is)
{
	*is = false;
	if (!v->has_kernel_threads)
		TRY(load_kernel_threads(v));
	for (size_t i = 0; i < v->kernel_threads.count && !*is; i++)
		*is = is_alike(v->kernel_threads.items[i], name);
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ';
}

/* What no terminal shows, and letters that look like others, hide a name from whoever compares: of
 * the kernel's all letters are ASCII. */
static void copy_visible(const char *text, char *copy, size_t size)
{
	size_t length = 0;

	for (; *text && length + 1 < size; text++) {
		if (*text >= ' ' && *text < 0x7f)
			copy[length++] = *text;
	}
	copy[length] = '\0';
}

/* Without blanks at both ends. */
static char *trim(char *text)
{
	while (is_blank(*text))
		text++;
	for (size_t length = strlen(text); length && is_blank(text[length - 1]); length--)
		text[length - 1] = '\0';
	return text;
}

/*
 * "[kworker/0:1]" without the brackets: *name then is within `text`. A comm may have no room for
 * the second. *alone: nothing follows. False where there are none.
 */
static bool strip_brackets(char *text, bool cut, char **name, bool *alone)
{
	char *end = strchr(text, ']');

	if (text[0] != '[' || (!end && !cut) || (end && end[1] && !is_blank(end[1])))
		return false;
	*alone = !end || !end[1];
	*name = text + 1;
	if (end)
		*end = '\0';
	*name = trim(*name);
	return **name != '\0';
}

/*
 * Whether what is in brackets is the name of a thread of the kernel; of a comm, what is not, too,
 * if nobody else has such a name, or no arguments are there, so that ps adds the brackets. (A first
 * argument without them may be a path, "migration/1".)
 */
static struct error *is_posing(struct verify *v, const char *text, bool comm, bool silent, bool *is)
{
	enum { COMM = 15 };
	char copy[256], *name;
	bool alone = true;

	copy_visible(text, copy, sizeof(copy));
	char *whole = name = trim(copy);
	bool brackets = strip_brackets(whole, comm && strlen(text) >= COMM, &name, &alone);
	*is = (brackets || comm) && is_kernels_alone(name);
	if (!*is && alone && (brackets || silent) && *name)
		TRY(is_kernel_thread(v, name, is));
	return NULL;
}

/*
 * Whether a process, which has memory, is called as a thread of the kernel, which has none: by its
 * comm, which top shows, or by its first argument. Where that is empty ps puts the comm in
 * brackets, as it does with threads of the kernel.
 */
static struct error *poses_as_kernel(struct verify *v, const struct space *space,
				     const struct identity *identity, const char **shown)
{
	bool silent = identity->has_title && identity->title[0] == '\0', is = false;

	*shown = space->command;
	TRY(is_posing(v, *shown, true, silent, &is));
	if (!is && identity->has_title) {
		*shown = identity->title;
		TRY(is_posing(v, identity->title, false, false, &is));
	}
	if (!is)
		*shown = NULL;
	return NULL;
}

/* --- what is mapped ------------------------------------------------------------------------------
 */

/* Which process, and where a row of it is to be. */
struct subject {
	struct verify *verify;
	struct space *space;
	uint32_t number;
	const struct vma_list *vmas;
	const struct placed_areas *places;
	struct identity identity;
};

static const struct placed_area *place_at(const struct subject *s, uint64_t address)
{
	for (size_t i = 0; i < s->places->count; i++) {
		if (range_contains(s->places->items[i].range, address))
			return &s->places->items[i];
	}
	return NULL;
}

/* Where the program was started, or else the first area that may be executed, or the first. */
static const struct vma *find_code(const struct subject *s)
{
	const struct vma *code = vma_list_find(s->vmas, s->identity.entry);

	for (size_t i = 0; !code && i < s->vmas->count; i++) {
		if (s->vmas->items[i].perms & VMA_EXEC)
			code = &s->vmas->items[i];
	}
	return code || !s->vmas->count ? code : &s->vmas->items[0];
}

static struct error *put_row(const struct subject *s, const struct vma *vma, char *why)
{
	const struct placed_area *place = place_at(s, vma->range.start);

	return verify_found_area(s->verify, VERIFY_MASQUERADE, s->space, s->number,
				 place ? place->file : VERIFY_NONE, vma, why);
}

static struct error *put_kernel_thread(const struct subject *s, const char *shown)
{
	const struct vma *code = find_code(s);
	char *why;

	if (!code)
		return NULL;
	if (asprintf(&why,
		     "called %s, as a thread of the kernel, but has memory of its own; it is %s",
		     shown, s->identity.exe ? s->identity.exe : "of an unknown program") < 0)
		return error_nomem();
	return put_row(s, code, why);
}

/* Whether an area shows the file that the kernel has noted as the program. By name where it was not
 * asked which file it is, or is said to be on another file system: some kernels name the layer of
 * an overlay. */
static bool is_program(const struct subject *s, const struct file *file, const struct vma *vma)
{
	if (file->identified && file->device == s->identity.exe_device)
		return file->inode == s->identity.exe_inode;
	return vma && strcmp(vma->name, s->identity.exe) == 0;
}

/* What of a program is mapped. */
struct program {
	bool mapped; /* something of it */
	bool other;  /* its first instruction is in another file */
};

static void add_area(const struct subject *s, const struct file *file, const struct vma *vma,
		     struct program *program)
{
	bool is = is_program(s, file, vma);

	program->mapped |= is;
	program->other |= !is && vma && range_contains(vma->range, s->identity.entry);
}

static bool is_foreign(const struct program *program)
{
	return !program->mapped || program->other;
}

static struct program look_at_places(const struct subject *s)
{
	struct program program = {0};

	for (size_t i = 0; i < s->places->count; i++) {
		const struct placed_area *place = &s->places->items[i];

		add_area(s, s->verify->files.items[place->file]->file,
			 vma_list_find(s->vmas, place->range.start), &program);
	}
	return program;
}

/*
 * Once more, by areas that were read behind the identity. A process in the midst of execve(2) has
 * a program of which nothing is mapped yet, and has not started.
 */
static struct error *look_again(const struct subject *s, struct program *program)
{
	struct vma_list now;
	struct error *error;

	*program = (struct program){0};
	TRY(space_vmas(s->space, &now));
	error = space_check_alive(s->space);
	for (size_t i = 0; !error && i < now.count; i++) {
		struct file *file;

		if (!now.items[i].inode)
			continue;
		error = space_file(s->space, &now.items[i], &file);
		if (error)
			break;
		add_area(s, file, &now.items[i], program);
		file_put(s->verify->target, file);
	}
	vma_list_deinit(&now);
	return error;
}

/*
 * The kernel lets a process name another file as its program (prctl(2), PR_SET_MM_EXE_FILE) once
 * nothing of the one that it was started of is mapped. Who restores processes maps the file, too.
 */
static struct error *judge_program(const struct subject *s)
{
	struct program program = look_at_places(s);
	const struct vma *code = find_code(s);
	char *why;

	if (!s->identity.exe_known || !s->identity.started || !code || !is_foreign(&program))
		return NULL;
	TRY(look_again(s, &program));
	if (!is_foreign(&program))
		return NULL;
	if (asprintf(&why,
		     program.mapped
			     ? "its program is said to be %s, and was started in another file"
			     : "its program is said to be %s, of which nothing is mapped",
		     s->identity.exe) < 0)
		return error_nomem();
	return put_row(s, code, why);
}

/* --- libraries that were preloaded and removed ---------------------------------------------------
 */

/* Whether a library's file name is among those of a variable as LD_PRELOAD: directories are left
 * out, since links and "$LIB" may be in them. */
static bool names(const char *variable, const char *path)
{
	const char *name = path_name(path);
	size_t length = strlen(name), suffix = strlen(DELETED_SUFFIX);

	if (length > suffix && strcmp(name + length - suffix, DELETED_SUFFIX) == 0)
		length -= suffix;
	for (const char *at = variable; *at; at += strspn(at, ": ")) {
		size_t one = strcspn(at, ": ");
		const char *end = at + one, *base = end;

		while (base > at && base[-1] != '/')
			base--;
		if ((size_t)(end - base) == length && memcmp(base, name, length) == 0)
			return true;
		at = end;
	}
	return false;
}

static bool is_removed_code(const struct subject *s, const struct placed_area *place)
{
	const struct verify_file *file = s->verify->files.items[place->file];

	/* What is at its path again, of the same build, is not hidden. */
	return place->exec && file->fate == FATE_DELETED && !file->fate_why;
}

static struct error *put_preloaded(const struct subject *s, const char *variable, const char *value)
{
	uint32_t last = VERIFY_NONE;

	for (size_t i = 0; i < s->places->count; i++) {
		const struct placed_area *place = &s->places->items[i];
		const struct vma *vma = vma_list_find(s->vmas, place->range.start);
		char *why;

		if (!vma || place->file == last || !is_removed_code(s, place) ||
		    !names(value, s->verify->files.items[place->file]->path))
			continue;
		last = place->file;
		if (asprintf(&why, "%s names this library, which was removed", variable) < 0)
			return error_nomem();
		TRY(put_row(s, vma, why));
	}
	return NULL;
}

static struct error *judge_preloads(const struct subject *s)
{
	static const char *const variables[] = {"LD_PRELOAD", "LD_AUDIT"};
	bool any = false;

	for (size_t i = 0; i < s->places->count && !any; i++)
		any = is_removed_code(s, &s->places->items[i]);
	for (size_t i = 0; any && i < sizeof(variables) / sizeof(variables[0]); i++) {
		char *value;

		TRY(space_environ(s->space, variables[i], &value));
		struct error *error = value ? put_preloaded(s, variables[i], value) : NULL;
		free(value);
		TRY(error);
	}
	return NULL;
}

struct error *verify_identity(struct verify *v, struct space *space, uint32_t number,
			      const struct vma_list *vmas, const struct placed_areas *places)
{
	struct subject s = {
		.verify = v, .space = space, .number = number, .vmas = vmas, .places = places};
	const char *shown;

	TRY(space_identity(space, &s.identity));
	/* All of it is of the memory whose areas these are, and not of another program's by now. */
	struct error *error = space_check_alive(space);
	if (!error)
		error = poses_as_kernel(v, space, &s.identity, &shown);
	if (!error && shown)
		error = put_kernel_thread(&s, shown);
	if (!error)
		error = judge_program(&s);
	if (!error)
		error = judge_preloads(&s);
	identity_deinit(&s.identity);
	return error;
}

/* --- what lies over a process in /proc -----------------------------------------------------------
 */

struct error *verify_find_covers(struct verify *v)
{
	covered_vec list = {0};
	struct error *error = target_covered(v->target, &list);

	for (size_t i = 0; !error && i < list.count; i++)
		error = vec_push(&v->covered, ((struct covered_process_row){list.items[i], false}));
	vec_deinit(&list);
	return error;
}

bool verify_covered(const struct verify *v, size_t index, pid_t *pid)
{
	if (index >= v->covered.count)
		return false;
	*pid = v->covered.items[index].process.pid;
	return true;
}

static struct covered_process_row *find_cover(struct verify *v, pid_t pid)
{
	for (size_t i = 0; i < v->covered.count; i++) {
		if (v->covered.items[i].process.pid == pid)
			return &v->covered.items[i];
	}
	return NULL;
}

struct error *verify_put_cover(struct verify *v, pid_t pid, const char *command)
{
	struct covered_process_row *row = find_cover(v, pid);
	struct verify_space space = {.pid = pid, .unread = true};
	uint32_t number = (uint32_t)v->spaces.count;
	struct verify_finding *finding;
	char *why;

	if (!row || row->said)
		return NULL;
	row->said = true;
	snprintf(space.command, sizeof(space.command), "%s", command);
	TRY(vec_push(&v->spaces, space));
	if (asprintf(&why, "a mount (%s) lies over it: what is shown there is not the process",
		     row->process.type) < 0)
		return error_nomem();
	return verify_found(v, VERIFY_MASQUERADE, number, VERIFY_NONE, row->process.place,
			    (struct range){0, 0}, why, &finding);
}

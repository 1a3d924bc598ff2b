// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors as values.
 *
 * Every function below cmd/ that can fail returns `struct error *`: NULL is success, anything else
 * is owned by the caller, who hands it on, prints it (cmd/ only) or frees it. Nothing below cmd/
 * prints and nothing below main.c exits.
 */
#ifndef PHYSLENS_BASE_ERROR_H
#define PHYSLENS_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum error_kind {
	ERROR_OTHER,       /* none of those below */
	ERROR_NOMEM,       /* out of memory */
	ERROR_SYSTEM,      /* a system call failed: see errnum */
	ERROR_DENIED,      /* a permission or capability is missing */
	ERROR_GONE,        /* the process (or its address space) ended while it was read */
	ERROR_EXECUTED,    /* the same because it executed another program; error_is() GONE, too */
	ERROR_LOOKUP,      /* a name, PID or address that is not there */
	ERROR_INPUT,       /* malformed data: a file, a table, an argument */
	ERROR_FAULT,       /* memory that cannot be read: see address */
	ERROR_UNSUPPORTED, /* this kernel or this build does not have it */
};

struct error;

#define error_printf_like(fmt, args) __attribute__((format(printf, fmt, args), warn_unused_result))

/* A new error with a message. Never returns NULL: out of memory gives the one static error. */
struct error *error_new(enum error_kind kind, const char *format, ...) error_printf_like(2, 3);

/*
 * A new error from errno: the message ends in ": " and strerror(errnum). EACCES and EPERM make it
 * ERROR_DENIED, ENOMEM ERROR_NOMEM, ESRCH ERROR_GONE, everything else ERROR_SYSTEM.
 */
struct error *error_errno(int errnum, const char *format, ...) error_printf_like(2, 3);

/* A new ERROR_FAULT for memory at `address` that could not be read. */
struct error *error_fault(uint64_t address, const char *format, ...) error_printf_like(2, 3);

/* The one static out-of-memory error; error_free() knows it. */
struct error *error_nomem(void);

/* `error` with "context: " put before its message; takes `error`, which must not be NULL. */
struct error *error_context(struct error *error, const char *format, ...) error_printf_like(2, 3);

enum error_kind error_kind(const struct error *error);
bool error_is(const struct error *error, enum error_kind kind); /* NULL is of no kind */
int error_errnum(const struct error *error);                    /* 0 when it has none */
uint64_t error_address(const struct error *error);              /* 0 unless ERROR_FAULT */

/* The message, without a newline; it may hold bytes from outside: escape it before printing. */
const char *error_message(const struct error *error);

void error_free(struct error *error); /* NULL is fine */

/*
 * For what may as well not be had: frees `error` and gives NULL, unless memory was short. That is
 * given back, since it is true of all that follows. NULL is fine.
 */
struct error *error_forgive(struct error *error) __attribute__((warn_unused_result));

/* Frees what *error holds when the variable goes out of scope. */
void error_freep(struct error **error);
#define _cleanup_error_ __attribute__((cleanup(error_freep)))

/* Hand an error on: `TRY(f());` returns from the calling function when f() failed. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		struct error *try_error_ = (call);                                                 \
		if (try_error_)                                                                    \
			return try_error_;                                                         \
	} while (0)

#endif

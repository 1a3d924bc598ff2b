// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error {
	enum error_kind kind;
	int errnum;
	uint64_t address;
	char *message;
};

/* Handed out when an error cannot be allocated; its message is never freed. */
static struct error out_of_memory = {
	.kind = ERROR_NOMEM, .errnum = ENOMEM, .message = (char *)"out of memory"};

struct error *error_nomem(void)
{
	return &out_of_memory;
}

/* Takes `message`, which may be NULL after a failed allocation. */
static struct error *wrap(enum error_kind kind, int errnum, uint64_t address, char *message)
{
	struct error *error = message ? malloc(sizeof(*error)) : NULL;

	if (!error) {
		free(message);
		return error_nomem();
	}
	*error = (struct error){
		.kind = kind, .errnum = errnum, .address = address, .message = message};
	return error;
}

/* A formatted string of its own, or NULL when there is no memory for it. */
static char *__attribute__((format(printf, 1, 0))) format_string(const char *format, va_list args)
{
	char *text;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

struct error *error_new(enum error_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *message = format_string(format, args);
	va_end(args);
	return wrap(kind, 0, 0, message);
}

static enum error_kind kind_of_errno(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
		return ERROR_DENIED;
	case ENOMEM:
		return ERROR_NOMEM;
	case ESRCH:
		return ERROR_GONE;
	default:
		return ERROR_SYSTEM;
	}
}

struct error *error_errno(int errnum, const char *format, ...)
{
	char *message = NULL;
	va_list args;

	va_start(args, format);
	char *what = format_string(format, args);
	va_end(args);
	if (!what || asprintf(&message, "%s: %s", what, strerror(errnum)) < 0)
		message = NULL;
	free(what);
	return wrap(kind_of_errno(errnum), errnum, 0, message);
}

struct error *error_fault(uint64_t address, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *message = format_string(format, args);
	va_end(args);
	return wrap(ERROR_FAULT, EFAULT, address, message);
}

struct error *error_context(struct error *error, const char *format, ...)
{
	char *message = NULL;
	va_list args;

	if (error == &out_of_memory)
		return error;
	va_start(args, format);
	char *context = format_string(format, args);
	va_end(args);
	if (context && asprintf(&message, "%s: %s", context, error->message) >= 0) {
		free(error->message);
		error->message = message;
	}
	free(context);
	return error;
}

enum error_kind error_kind(const struct error *error)
{
	return error->kind;
}

bool error_is(const struct error *error, enum error_kind kind)
{
	if (!error)
		return false;
	return error->kind == kind || (kind == ERROR_GONE && error->kind == ERROR_EXECUTED);
}

int error_errnum(const struct error *error)
{
	return error->errnum;
}

uint64_t error_address(const struct error *error)
{
	return error->address;
}

const char *error_message(const struct error *error)
{
	return error->message;
}

void error_free(struct error *error)
{
	if (!error || error == &out_of_memory)
		return;
	free(error->message);
	free(error);
}

struct error *error_forgive(struct error *error)
{
	if (error_is(error, ERROR_NOMEM))
		return error;
	error_free(error);
	return NULL;
}

void error_freep(struct error **error)
{
	error_free(*error);
	*error = NULL;
}

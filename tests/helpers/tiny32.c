// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A 32-bit process for `translate --explain`, which takes its addresses apart in
 * the classic way. No library at all, so that a compiler without 32-bit ones can
 * build it (gcc -m32 -ffreestanding -nostdlib -static -no-pie); the kernel must
 * run such programs (CONFIG_IA32_EMULATION). Prints "address 0x0804c000" of a page
 * that it has written and "ready PID", and waits for the end of standard input.
 */
#if defined(__x86_64__) || !defined(__i386__)
#error "build with -m32"
#endif

enum { SYS_EXIT = 1, SYS_READ = 3, SYS_WRITE = 4, SYS_GETPID = 20 };

static char page[4096] __attribute__((aligned(4096)));

static long call(long number, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

static void put(const char *text, unsigned len)
{
	call(SYS_WRITE, 1, (long)text, (long)len);
}

static void put_number(unsigned long value, unsigned base)
{
	char buf[16];
	unsigned at = sizeof(buf);

	do {
		buf[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	put(buf + at, (unsigned)sizeof(buf) - at);
}

void _start(void);

void _start(void)
{
	char byte;

	*(volatile char *)page = 1;
	put("address 0x", 10);
	put_number((unsigned long)page, 16);
	put("\nready ", 7);
	put_number((unsigned long)call(SYS_GETPID, 0, 0, 0), 10);
	put("\n", 1);
	while (call(SYS_READ, 0, (long)&byte, 1) > 0)
		;
	call(SYS_EXIT, 0, 0, 0);
	__builtin_unreachable();
}

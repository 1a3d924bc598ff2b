# SPDX-License-Identifier: GPL-2.0-or-later
# The programs that `physlens lab` starts and looks at. They are built as plain programs, without
# sanitizers: their address spaces are what the pictures show.
lab_names = \
	src/lab/address \
	src/lab/exec \
	src/lab/fork \
	src/lab/grid \
	src/lab/hierarchy \
	src/lab/image \
	src/lab/layout \
	src/lab/libc \
	src/lab/paging \
	src/lab/sharing \
	src/lab/threads

pkglibexec_PROGRAMS = $(lab_names)

LAB_FLAGS_C = -std=gnu11 $(WARNINGS) -O1 -fPIE -fno-stack-protector
LAB_FLAGS_LD = -pie

src_lab_address_SOURCES = src/lab/address.c src/lab/subject.h
src_lab_address_CFLAGS = $(LAB_FLAGS_C)
src_lab_address_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_exec_SOURCES = src/lab/exec.c src/lab/subject.h
src_lab_exec_CFLAGS = $(LAB_FLAGS_C)
src_lab_exec_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_fork_SOURCES = src/lab/fork.c src/lab/subject.h
src_lab_fork_CFLAGS = $(LAB_FLAGS_C)
src_lab_fork_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_grid_SOURCES = src/lab/grid.c src/lab/subject.h
src_lab_grid_CFLAGS = $(LAB_FLAGS_C)
src_lab_grid_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_hierarchy_SOURCES = src/lab/hierarchy.c src/lab/subject.h
src_lab_hierarchy_CFLAGS = $(LAB_FLAGS_C)
src_lab_hierarchy_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_image_SOURCES = src/lab/image.c src/lab/subject.h
src_lab_image_CFLAGS = $(LAB_FLAGS_C)
src_lab_image_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_layout_SOURCES = src/lab/layout.c src/lab/subject.h
src_lab_layout_CFLAGS = $(LAB_FLAGS_C)
src_lab_layout_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_libc_SOURCES = src/lab/libc.c src/lab/subject.h
src_lab_libc_CFLAGS = $(LAB_FLAGS_C)
src_lab_libc_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_paging_SOURCES = src/lab/paging.c src/lab/subject.h
src_lab_paging_CFLAGS = $(LAB_FLAGS_C)
src_lab_paging_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_sharing_SOURCES = src/lab/sharing.c src/lab/subject.h
src_lab_sharing_CFLAGS = $(LAB_FLAGS_C)
src_lab_sharing_LDFLAGS = $(LAB_FLAGS_LD)
src_lab_threads_SOURCES = src/lab/threads.c src/lab/subject.h
src_lab_threads_CFLAGS = $(LAB_FLAGS_C) -pthread
src_lab_threads_LDFLAGS = $(LAB_FLAGS_LD)

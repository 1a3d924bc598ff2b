// SPDX-License-Identifier: GPL-2.0-or-later
/* One look at a process: its pages, as `map` and `walk` see them. */
#include <inttypes.h>
#include <string.h>

#include "analysis/locate.h"
#include "analysis/walk.h"
#include "base/scope.h"
#include "cmd/lab/lab.h"

/* Without the tables everything else can still be seen. */
static struct error *open_tables(struct lab *lab, struct view *view)
{
	_cleanup_error_ struct error *error = space_page_table(view->space, &view->tables);

	view->has_tables = !error;
	if (!error || error_is(error, ERROR_NOMEM))
		return scope_take(error, NULL);
	return lab_missing(lab, "what the page tables themselves allow: %s", error_message(error));
}

struct error *view_open(struct lab *lab, pid_t pid, struct view *view)
{
	*view = (struct view){0};
	TRY(target_open_space(lab->target, pid, &view->space));
	TRY(layout_init(&view->layout, view->space));
	view->has_layout = true;
	if (!view->space->pfns_visible)
		TRY(lab_missing(lab, "frame numbers: they are hidden without CAP_SYS_ADMIN"));
	return open_tables(lab, view);
}

void view_close(struct view *view)
{
	if (view->has_layout)
		layout_deinit(&view->layout);
	space_close(view->space);
	*view = (struct view){0};
}

static struct error *look_at_tables(struct view *view, struct sight *sight)
{
	struct walk_result result;

	TRY(walk_address(view->space, &view->tables, &view->layout.vmas, sight->address, &result));
	if (page_table_walk_end(&result.walk)->entry.kind != ENTRY_PAGE)
		return NULL;
	sight->has_access = true;
	sight->access = result.walk.access;
	return NULL;
}

struct error *view_look(struct view *view, uint64_t address, struct sight *sight)
{
	struct location location;

	TRY(locate_address(&view->layout, address, &location));
	*sight = (struct sight){
		.address = address,
		.state = location.state,
		.present = location.word & PAGEMAP_PRESENT,
		.cow = location.cow,
		.word = location.word,
		.perms = location.region->vma->perms,
	};
	snprintf(sight->region, sizeof(sight->region), "%s", location.region_name);
	sight->has_pfn = sight->present && view->space->pfns_visible;
	if (sight->has_pfn)
		sight->pfn = location.word & PAGEMAP_PFN;
	return view->has_tables ? look_at_tables(view, sight) : NULL;
}

void sight_frame_text(const struct sight *sight, char text[24])
{
	if (sight->has_pfn)
		snprintf(text, 24, "0x%" PRIx64, sight->pfn);
	else if (sight->present)
		snprintf(text, 24, "hidden");
	else if (sight->state == STATE_IN_FILE)
		snprintf(text, 24, "in binary");
	else
		snprintf(text, 24, "%s", page_state_name(sight->state));
}

void sight_perms_text(const struct sight *sight, char text[8])
{
	if (sight->has_access)
		entry_access_text(sight->access, text);
	else if (sight->present)
		vma_perms_text(sight->perms, text);
	else
		*text = '\0';
}

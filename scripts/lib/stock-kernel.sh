# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's own kernels, unpacked into the cache and not installed, and any other unpacked kernel.
# Sourced by scripts/vm after vm-common.sh.
#
# An entry, whatever it came from: vmlinuz, config (if there is one), lib/modules/RELEASE, and for the
# first stage of a guest initrd/ and load: the modules without which it cannot see the host's root,
# uncompressed, and their order; root says by which file system it does: 9p, or virtiofs.

readonly STOCK_FIRST=(virtio_pci virtio_console virtio_rng overlay)

# What a later Debian has can be fetched without being configured here: this suite has the newest
# kernels.
readonly NEWEST_SUITE=trixie-backports

# Status of a kernel that this mirror, or no mirror, has.
readonly NOT_TO_BE_HAD=77

# ---- packages ----

# stock_packages SERIES: the newest plain amd64 kernel of that series that apt knows, in all its packages.
stock_packages() {
	local image binary
	case $1 in
	6.1) image=$(newest_image 'linux-image-6\.1\.0-[0-9]+-amd64') ;;
	6.12) image=$(newest_image 'linux-image-6\.12\.[0-9]+\+deb[0-9]+-amd64') ;;
	newest) image=$(newest_image 'linux-image-[0-9.]+\+deb[0-9]+-amd64') ;;
	cloud) image=$(newest_image 'linux-image-[0-9.]+\+deb[0-9]+-cloud-amd64') ;;
	esac
	# From 7.3 on linux-image is empty, and needs three others.
	binary=${image/linux-image-/linux-binary-}
	if [[ -n $image && -n $(candidate "$binary") ]]; then
		printf '%s\n' "$binary" "${image/linux-image-/linux-base-}" "${image/linux-image-/linux-modules-}"
	else
		printf '%s\n' "$image"
	fi
}

# mirror_of_debian: where this machine's apt gets Debian from.
mirror_of_debian() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
		2>/dev/null | head -n 1
}

# use_newest_lists CACHE: has apt look at NEWEST_SUITE instead of what is configured here, by lists of its
# own.
use_newest_lists() {
	local dir=$1/apt-newest
	mkdir -p -- "$dir/lists/partial" "$dir/cache/archives/partial"
	apt_options=(
		-o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache"
		-o Dir::State::Status=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root
	)
	# Two guests may begin at once: the second one waits for the first one's lists.
	(lock_entry "$1" apt-newest && ask_for_lists "$dir")
}

# ask_for_lists DIRECTORY: once a day; a mirror that does not answer in a minute leaves the old ones. As long
# as there are none it is asked each time: apt calls it a success that a mirror did not answer.
ask_for_lists() {
	local mirror
	[[ -z $(find "$1/asked" -mtime -1 2>/dev/null) ]] || return 0
	mirror=$(mirror_of_debian || true)
	[[ -n $mirror ]] || return 0
	printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
		"$mirror" "$NEWEST_SUITE" >"$1/sources.list"
	timeout 60 apt-get -qq "${apt_options[@]}" update >/dev/null 2>&1 || true
	! compgen -G "$1/lists/*_Packages*" >/dev/null || touch -- "$1/asked"
}

of_newest_suite() { [[ $1 = newest || $1 = cloud ]]; }

# stock_kernel CACHE SERIES: prints the entry's directory, made if need be.
stock_kernel() {
	local cache=$1 packages entry status=0
	if of_newest_suite "$2"; then
		open_cache "$cache"
		use_newest_lists "$cache"
	fi
	mapfile -t packages < <(stock_packages "$2")
	if [[ -z ${packages[0]:-} ]]; then
		! of_newest_suite "$2" ||
			earlier_entry "$cache" "$2" "no kernel of $NEWEST_SUITE: no such mirror here"
		die 2 "stock-$2: apt knows no such kernel: sudo apt-get update"
	fi
	entry=$cache/stock-$2-$({
		for package in "${packages[@]}"; do echo "$package $(candidate "$package")"; done
		cat -- "${BASH_SOURCE[0]}"
	} | hash_of)
	if [[ ! -d $entry ]]; then
		need depmod modprobe xz
		open_cache "$cache"
		# Not in a condition: there the shell would go on behind a program that failed, and what is half
		# made would be kept.
		set +e
		(
			set -e
			lock_entry "$cache" "stock-$2"
			[[ -d $entry ]] || make_stock "$cache" "stock-$2" "$entry" "${packages[@]}"
		)
		status=$?
		set -e
	fi
	((status != NOT_TO_BE_HAD)) || earlier_entry "$cache" "$2" 'it cannot be downloaded'
	((status == 0)) || exit 2
	printf '%s\n' "$entry"
}

# earlier_entry CACHE SERIES WHY: the end, with the last such kernel that could be had, or with none. The
# mirror is asked again the next time: what its lists named may have been replaced.
earlier_entry() {
	local found
	rm -f -- "$1/apt-newest/asked"
	found=$(ls -dt -- "$1/stock-$2"-*/root 2>/dev/null | head -n 1 || true)
	[[ -n $found ]] || die $NOT_TO_BE_HAD "stock-$2: $3"
	say "stock-$2: $3: the one fetched before is used"
	printf '%s\n' "${found%/root}"
	exit
}

# make_stock CACHE NAME ENTRY PACKAGE…, under the lock.
make_stock() {
	local package status=2
	need_room "$1" 800 "$4"
	! of_newest_suite "${2#stock-}" || status=$NOT_TO_BE_HAD
	fresh_work "$1" "$2" # sets work
	# shellcheck disable=SC2154 # set by fresh_work
	for package in "${@:4}"; do
		say "$package: downloading"
		fetch_package "$package" "$(candidate "$package")" "$work/tree" ||
			die $status "$package: cannot be downloaded"
	done
	look_into "$work/tree"
	drop_hardware "$tree_modules/kernel"
	make_entry "$work/out" mv
	mv -T -- "$work/out" "$3"
}

# Modules for hardware that QEMU is not asked for: most of the size.
drop_hardware() {
	rm -rf -- "$1"/sound
	(cd -- "$1/drivers" && rm -rf -- gpu media net infiniband iio usb staging hwmon \
		scsi mtd input video bluetooth platform i2c ata isdn)
}

# ---- an unpacked kernel ----

# same_once PATH…: those that exist, each file once, however many ways lead to it.
same_once() {
	local path
	for path; do
		[[ ! -e $path ]] || realpath -- "$path"
	done | sort -u
}

# look_into DIRECTORY: sets tree_image, tree_modules and tree_release, and tree_config or ''. The
# directory is as packages unpack, or an entry.
look_into() {
	local images modules configs
	mapfile -t images < <(same_once "$1"/vmlinuz "$1"/vmlinuz-* "$1"/boot/vmlinuz-* \
		"$1"/{usr/,}lib/modules/*/vmlinuz)
	mapfile -t modules < <(same_once "$1"/{usr/,}lib/modules/*/kernel)
	[[ ${#images[@]} -gt 0 ]] ||
		die 2 "$1: no kernel in it (vmlinuz, boot/vmlinuz-RELEASE or lib/modules/RELEASE/vmlinuz)"
	[[ ${#images[@]} -eq 1 ]] || die 2 "$1: several kernels in it: ${images[*]}"
	[[ ${#modules[@]} -gt 0 ]] || die 2 "$1: no modules in it (lib/modules/RELEASE/kernel)"
	[[ ${#modules[@]} -eq 1 ]] || die 2 "$1: modules of several kernels in it: ${modules[*]}"
	tree_image=${images[0]} tree_modules=${modules[0]%/kernel}
	tree_release=${tree_modules##*/}
	mapfile -t configs < <(same_once "$1/config" "$1/boot/config-$tree_release" "$tree_modules/config")
	tree_config=${configs[0]:-}
}

# make_entry OUT mv|ln: an entry of what look_into has found, by moving it there, or by links to it.
make_entry() {
	local how=("$2") place=$1/lib/modules/$tree_release file
	[[ $2 != ln ]] || how=(ln -s)
	mkdir -p -- "$place" "$1/initrd"
	"${how[@]}" -- "$tree_image" "$1/vmlinuz"
	[[ -z $tree_config ]] || "${how[@]}" -- "$tree_config" "$1/config"
	"${how[@]}" -- "$tree_modules/kernel" "$place/kernel"
	# Which of them are built in; the rest depmod makes anew.
	for file in "$tree_modules"/modules.{builtin,builtin.modinfo,order}; do
		[[ ! -e $file ]] || cp -- "$file" "$place/"
	done
	"$(find_program depmod)" -b "$1" "$tree_release"
	list_first "$1"
}

# depends_of OUT MODULE: lines "insmod FILE" or "builtin NAME", or false: this kernel has it not.
depends_of() { "$(find_program modprobe)" -d "$1" -S "$tree_release" --show-depends "$2" 2>/dev/null; }

# list_first OUT: the files of the first stage and the order to load them, uncompressed, since busybox
# cannot. Some flavours have no 9p.
list_first() {
	local module path name first=("${STOCK_FIRST[@]}") root=9p
	if depends_of "$1" 9p >/dev/null; then
		first+=(9pnet_virtio 9p)
	else
		first+=(virtiofs)
		root=virtiofs
	fi
	printf '%s\n' $root >"$1/root"
	for module in "${first[@]}"; do
		depends_of "$1" "$module" || die 2 "$tree_release: it has no $module, which a guest needs"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r path; do
			name=$(basename -- "$path")
			name=${name%.ko*}.ko
			case $path in
			*.xz) xz -dc -- "$path" >"$1/initrd/$name" ;;
			*.zst) need zstd && zstd -qdc -- "$path" >"$1/initrd/$name" ;;
			*.gz) gzip -dc -- "$path" >"$1/initrd/$name" ;;
			*) cp -- "$path" "$1/initrd/$name" ;;
			esac
			printf '%s\n' "$name"
		done >"$1/load"
}

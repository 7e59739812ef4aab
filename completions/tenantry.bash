# Completion of tenantry for bash.  `make install` puts it where bash-completion finds it;
# without that: . completions/tenantry.bash

# The workspace: what -C says, else here.
_tenantry_dir() {
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -C | --directory) [ $((i + 1)) -lt "$COMP_CWORD" ] && printf '%s' "${COMP_WORDS[i + 1]}" && return ;;
        esac
    done
    printf .
}

_tenantry_tenants() {
    local path
    for path in "$(_tenantry_dir)"/tenants/*/; do
        path=${path%/}
        path=${path##*/}
        case $path in '*' | .* | _*) ;; *) printf '%s\n' "$path" ;; esac
    done
}

# Arguments of the command before the cursor, options left out.
_tenantry_arguments() {
    local i n=0
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -C | --directory | --format | --out | --templates | --jobs | --clock | --tenant | --port | --listen) ((i++)) ;;
        --id | --domain | --name | --emoji | --color | --slug) ((i++)) ;;
        -*) ;;
        *) ((n++)) ;;
        esac
    done
    printf '%s' "$n"
}

_tenantry() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words=
    local common='--directory --format --quiet --verbose --help'
    local making='--tenant --out --templates --jobs --drafts --clock --noindex --strict --database'
    COMPREPLY=()
    case $before in
    -C | --directory | --out | --templates | --migrations)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --format) words='human json' ;;
    --tenant) words=$(_tenantry_tenants) ;;
    --listen) words='127.0.0.1 0.0.0.0 ::1' ;;
    --database | --user | --port | --jobs | --clock | --id | --domain | --name | --emoji | --color | --slug) return ;;
    *)
        if [ "$COMP_CWORD" -eq 1 ]; then
            words='build check serve list explain new schema db clean --help --version'
        else
            case $word in
            -*)
                case $command in
                build) words="$making --durable --explain --stale --watch" ;;
                check) words=$making ;;
                serve) words='--port --listen --clock --published --no-bar --templates --jobs' ;;
                list) words='--tenant --templates --drafts --clock' ;;
                explain) words='--templates --drafts --clock' ;;
                new) words='--id --domain --name --emoji --color --templates --slug --clock' ;;
                schema) words=--man ;;
                db) words='--database --migrations --plans --user --discard' ;;
                clean) words=--out ;;
                esac
                words="$words $common"
                ;;
            *)
                case $command.$(_tenantry_arguments) in
                db.0) words='start stop url migrate seed status' ;;
                list.0) words='tenants hosts pages drafts' ;;
                explain.0) words=$(_tenantry_tenants) ;;
                explain.1) words='theme.primaryColor pricing branding.name content/ partials/ /' ;;
                new.0) words='workspace tenant post page' ;;
                new.1) words="$(_tenantry_tenants) _shared" ;;
                esac
                ;;
            esac
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _tenantry tenantry

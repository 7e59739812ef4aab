# Completion of tenantry-api for bash.  `make install` puts it where bash-completion finds it;
# without that: . completions/tenantry-api.bash

_tenantry_api() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
    COMPREPLY=()
    case $before in
    -C | --directory)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --log)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -W 'stderr off' -- "$word")
        return
        ;;
    --jwks)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --snapshots | --plain-cookies) words='on off' ;;
    --limit) words='reads= writes= login= tenant-reads= tenant-writes= tenant-login= off' ;;
    --database | --listen | --workers | --pool | --clients | --trusted-proxy | --metrics-from | --platform-domain | --*-seconds | --jwt-*)
        return
        ;;
    *)
        words='--directory --database --listen --workers --pool --clients --trusted-proxy --metrics-from --platform-domain --limit --log'
        words="$words --snapshots --header-seconds --drain-seconds --jwks --jwt-secret-id --jwt-issuer --jwt-audience --jwt-leeway"
        words="$words --session-seconds --session-idle-seconds --plain-cookies --check-config --help --version"
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _tenantry_api tenantry-api

#!/usr/bin/env bash
# Makes all that Labeler needs in a project of Google Cloud, and the service itself; docs/deploy.md
# tells the parts. Safe to run again: what is there stays as it is, and what is missing is made.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=deploy/lib.sh
. "$here/lib.sh"

APIS=(run storage iam iamcredentials iap secretmanager artifactregistry cloudbuild)

usage() {
  cat <<'EOF'
usage: deploy/setup.sh PROJECT REGION BUCKET[/PREFIX] [options]

  --people MEMBER         who may come in: user:ana@example.com, group:..., domain:...;
                          may be given several times
  --admins LIST           e-mails or @domain, comma-separated: LABELER_ADMINS
  --labelers LIST         likewise: LABELER_LABELERS; without it, everyone who may come in
  --service NAME          labeler; accounts, secret and repository are named after it
  --no-iap                no Identity-Aware Proxy: --people come in by "gcloud run services proxy",
                          and nobody is asked who they are
  --uploads-bucket NAME   as deploy/bucket.sh takes them
  --kms-key KEY
  --index                 an index of the images in a database of Cloud SQL, for more than some
                          100,000 images: LABELER_INDEX, and a job that compares it with the bucket
  --index-tier TIER       db-g1-small: the machine of the database
  --dry-run               print the commands, run none of them

Needs the gcloud command, and somebody who owns the project (roles/owner).
EOF
}

# --- arguments ----------------------------------------------------------------------------

service=labeler iap=yes admins="" labelers="" uploads="" index="" tier=db-g1-small
people=() given=() bucket_options=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=yes && bucket_options+=(--dry-run) ;;
    --no-iap) iap="" ;;
    --index) index=yes ;;
    --index-tier | --people | --admins | --labelers | --service | --uploads-bucket | --kms-key)
      [ $# -ge 2 ] || wrong "$1 needs a value."
      case "$1" in
        --index-tier) tier="$2" ;;
        --people) people+=("$2") ;;
        --admins) admins="$2" ;;
        --labelers) labelers="$2" ;;
        --service) service="$2" ;;
        --uploads-bucket) uploads="${2#gs://}" && bucket_options+=("$1" "$2") ;;
        --kms-key) kms_key="$2" && bucket_options+=("$1" "$2") ;;
      esac
      shift
      ;;
    -*) wrong "There is no option $1." ;;
    *) given+=("$1") ;;
  esac
  shift
done
[ "${#given[@]}" = 3 ] || wrong "PROJECT, REGION and BUCKET are needed, and nothing more."
project="${given[0]}" region="${given[1]}" place="${given[2]#gs://}"
place="${place%/}"
[[ "$service" =~ ^[a-z][a-z0-9-]{0,22}[a-z0-9]$ ]] || wrong "'$service' can't name the service."
for member in ${people[@]+"${people[@]}"}; do
  [[ "$member" =~ ^(user|group|domain|serviceAccount):. ]] ||
    wrong "'$member' is not like user:ana@example.com."
done
need_gcloud
export CLOUDSDK_CORE_PROJECT="$project"
show "export CLOUDSDK_CORE_PROJECT=$project"

# Service accounts: one runs Labeler, one builds and deploys it.
runtime="$service@$project.iam.gserviceaccount.com"
build="$service-build@$project.iam.gserviceaccount.com"
secret="$service-secret-key"
# The database of the index, the secret that holds its address, and the job that compares it.
database="$service-index" instance="$project:$region:$service-index"
[ -z "$index" ] || APIS+=(sqladmin cloudscheduler)

# --- the project --------------------------------------------------------------------------

run gcloud services enable "${APIS[@]/%/.googleapis.com}"
number=PROJECT_NUMBER # only a dry run does not ask
[ -n "$dry_run" ] || number="$(gcloud projects describe "$project" --format='value(projectNumber)')"

"$here/bucket.sh" "$place" "$region" ${bucket_options[@]+"${bucket_options[@]}"}

make_account() {
  there gcloud iam service-accounts describe "$1" ||
    run gcloud iam service-accounts create "${1%%@*}" "--display-name=$2"
}
make_account "$runtime" "Runs Labeler"
make_account "$build" "Builds and deploys Labeler"

if ! there gcloud secrets describe "$secret"; then
  show "openssl rand -hex 32 | gcloud secrets create $secret --replication-policy=automatic --data-file=-"
  [ -n "$dry_run" ] || openssl rand -hex 32 |
    gcloud secrets create "$secret" --replication-policy=automatic --data-file=-
fi

there gcloud artifacts repositories describe "$service" "--location=$region" ||
  run gcloud artifacts repositories create "$service" --repository-format=docker "--location=$region"

# The password is made here, and goes nowhere but into the secret.
make_index() {
  there gcloud sql instances describe "$database" ||
    run gcloud sql instances create "$database" --database-version=POSTGRES_16 --edition=enterprise \
      "--tier=$tier" "--region=$region" --storage-auto-increase --no-backup --quiet
  there gcloud sql databases describe labeler "--instance=$database" ||
    run gcloud sql databases create labeler "--instance=$database" --quiet
  there gcloud secrets describe "$database" && return
  local change=create password=PASSWORD
  there gcloud sql users describe labeler "--instance=$database" && change=set-password
  show "gcloud sql users $change labeler --instance=$database --password=PASSWORD --quiet"
  show "printf 'postgresql+psycopg://labeler:PASSWORD@/labeler?host=/cloudsql/$instance' | gcloud secrets create $database --replication-policy=automatic --data-file=-"
  [ -z "$dry_run" ] || return 0
  password="$(openssl rand -hex 24)"
  gcloud sql users "$change" labeler "--instance=$database" --quiet \
    --flags-file=<(printf -- '--password: "%s"\n' "$password")
  printf 'postgresql+psycopg://labeler:%s@/labeler?host=/cloudsql/%s' "$password" "$instance" |
    gcloud secrets create "$database" --replication-policy=automatic --data-file=-
}
[ -z "$index" ] || make_index

# --- who may do what ----------------------------------------------------------------------

# grant RESOURCE... MEMBER ROLE: RESOURCE is the command up to its name.
grant() {
  local last=$(($# - 1))
  run gcloud "${@:1:last-1}" "--member=${!last}" "--role=${*: -1}" --quiet --format=none
}
bind=add-iam-policy-binding

for bucket in "${place%%/*}" $uploads; do
  # The runtime saves; the build removes what its smoke test has uploaded.
  for account in "$runtime" "$build"; do
    grant storage buckets "$bind" "gs://$bucket" "serviceAccount:$account" roles/storage.objectUser
  done
done
grant secrets "$bind" "$secret" "serviceAccount:$runtime" roles/secretmanager.secretAccessor
grant projects "$bind" "$project" --condition=None "serviceAccount:$build" roles/run.builder
grant projects "$bind" "$project" --condition=None "serviceAccount:$build" roles/run.developer
grant iam service-accounts "$bind" "$runtime" "serviceAccount:$build" roles/iam.serviceAccountUser
# It signs the assertion by which its smoke test comes through Identity-Aware Proxy.
grant iam service-accounts "$bind" "$build" "serviceAccount:$build" \
  roles/iam.serviceAccountTokenCreator

if [ -n "$index" ]; then
  grant secrets "$bind" "$database" "serviceAccount:$runtime" roles/secretmanager.secretAccessor
  grant projects "$bind" "$project" --condition=None "serviceAccount:$runtime" roles/cloudsql.client
fi

# --- the service --------------------------------------------------------------------------

settings="LABELER_STORAGE=gs://$place"
[ -z "$uploads" ] || settings+="|LABELER_UPLOADS=gs://$uploads"
[ -z "${kms_key:-}" ] || settings+="|LABELER_KMS_KEY=$kms_key"
if [ -n "$iap" ]; then
  settings+="|LABELER_AUTH=iap"
  settings+="|LABELER_IAP_AUDIENCE=/projects/$number/locations/$region/services/$service"
  [ -z "$admins" ] || settings+="|LABELER_ADMINS=$admins"
  [ -z "$labelers" ] || settings+="|LABELER_LABELERS=$labelers,$build"
fi

there gcloud run services describe "$service" "--region=$region" ||
  run gcloud run deploy "$service" "--source=${here%/*}" "--region=$region" --no-allow-unauthenticated \
    "--flags-file=$here/service.yaml" "--service-account=$runtime" \
    "--build-service-account=projects/$project/serviceAccounts/$build" \
    "--set-env-vars=^|^$settings" "--set-secrets=LABELER_SECRET_KEY=$secret:latest" --quiet

# The job has the image and the settings of the service; it runs once now, then every ten minutes.
deploy_index() {
  run gcloud run services update "$service" "--region=$region" "--add-cloudsql-instances=$instance" \
    "--update-secrets=LABELER_INDEX=$database:latest" --quiet
  local image=IMAGE # only a dry run does not ask
  [ -n "$dry_run" ] || image="$(gcloud run services describe "$service" "--region=$region" \
    --format='value(spec.template.spec.containers[0].image)')"
  run gcloud run jobs deploy "$database" "--image=$image" "--region=$region" \
    "--flags-file=$here/index.yaml" "--service-account=$runtime" "--set-cloudsql-instances=$instance" \
    "--set-env-vars=^|^$settings" \
    "--set-secrets=LABELER_SECRET_KEY=$secret:latest,LABELER_INDEX=$database:latest" --quiet
  grant run jobs "$bind" "$database" "--region=$region" "serviceAccount:$runtime" roles/run.invoker
  run gcloud run jobs execute "$database" "--region=$region" --wait --quiet
  there gcloud scheduler jobs describe "$database" "--location=$region" ||
    run gcloud scheduler jobs create http "$database" "--location=$region" "--schedule=*/10 * * * *" \
      "--uri=https://run.googleapis.com/v2/projects/$project/locations/$region/jobs/$database:run" \
      --http-method=POST "--oauth-service-account-email=$runtime" --quiet
}
[ -z "$index" ] || deploy_index

if [ -n "$iap" ]; then
  run gcloud beta services identity create --service=iap.googleapis.com --quiet
  grant run services "$bind" "$service" "--region=$region" \
    "serviceAccount:service-$number@gcp-sa-iap.iam.gserviceaccount.com" roles/run.invoker
  run gcloud beta run services update "$service" "--region=$region" --iap --quiet
  for member in "serviceAccount:$build" ${people[@]+"${people[@]}"}; do
    grant beta iap web "$bind" --resource-type=cloud-run "--service=$service" \
      "--region=$region" "$member" roles/iap.httpsResourceAccessor
  done
else
  for member in "serviceAccount:$build" ${people[@]+"${people[@]}"}; do
    grant run services "$bind" "$service" "--region=$region" "$member" roles/run.invoker
  done
fi

{
  printf '\nLook at it:     gcloud run services describe %s --region=%s --format=json' "$service" "$region"
  printf ' | python -m labeler doctor --service -\n'
  printf 'Next version:   gcloud run deploy %s --source . --region=%s --flags-file=deploy/service.yaml\n' \
    "$service" "$region"
  [ -z "$index" ] ||
    printf 'Then its job:   gcloud run jobs update %s --region=%s --image=IMAGE of that version\n' \
      "$database" "$region"
} >&2

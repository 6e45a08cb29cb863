"""Django: migrates as the tenant's owner, queries as its application; server-side cursors are left on, as is its default."""
import io

import django
from django.conf import settings
from django.core.management import call_command

import steps
from steps import equal, refused, step, together


def database(user):
    return {"ENGINE": "django.db.backends.postgresql", "HOST": steps.HOST, "PORT": steps.PORT, "NAME": steps.DATABASE, "USER": user, "PASSWORD": steps.PASSWORD,
            "CONN_MAX_AGE": 60}


settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "bookshop"], DATABASES={"default": database("app"), "owner": database("owner")},
    USE_TZ=True, TIME_ZONE="Asia/Tokyo", DEFAULT_AUTO_FIELD="django.db.models.AutoField", SECRET_KEY="of no use here")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - models can be loaded only now
from django.db import DataError, IntegrityError, connection, connections, transaction  # noqa: E402
from django.db.models import Count  # noqa: E402

from bookshop.models import Author, Book  # noqa: E402


@step("migrate: own and Django's, back and forth")
def _():
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 'DROP TABLE IF EXISTS ' || string_agg(quote_ident(tablename), ', ') || ' CASCADE' FROM pg_tables WHERE schemaname = current_schema() AND tablename ~ '^(auth|django|bookshop)_'")
        drop = cursor.fetchone()[0]
        if drop:
            cursor.execute(drop)
    out = io.StringIO()
    call_command("migrate", database="owner", stdout=out, verbosity=1)
    call_command("migrate", "bookshop", "0001", database="owner", stdout=out)
    call_command("migrate", database="owner", stdout=out)
    equal(False, "FAILED" in out.getvalue())
    call_command("makemigrations", "bookshop", check=True, dry_run=True, stdout=out)
    connections["owner"].close()


@step("the settings of its connections: time zone, encoding")
def _():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('TimeZone'), current_setting('client_encoding')")
        equal(("UTC", "UTF8"), cursor.fetchone())


@step("create, filter, annotate, JSON, related objects")
def _():
    ada = Author.objects.create(name="Ada")
    Book.objects.bulk_create([Book(title=f"t{number}", tags={"number": number}, author=ada) for number in range(250)])
    equal(10, Book.objects.filter(tags__number__gte=240, author__name="Ada").count())
    equal(250, Author.objects.annotate(count=Count("books")).get(name="Ada").count)
    equal(250, Book.objects.update(title="same"))
    equal((ada.pk, False), (Author.objects.get_or_create(name="Ada")[0].pk, Author.objects.get_or_create(name="Ada")[1]))
    User.objects.create_user("eve", password="of no use here")
    refused(IntegrityError, lambda: Author.objects.create(name="Ada"))


@step("iterator with server-side cursors, in and out of transactions")
def _():
    equal(250, sum(1 for _ in Book.objects.iterator(chunk_size=20)))
    with transaction.atomic():
        equal(250, sum(1 for _ in Book.objects.select_related("author").iterator(chunk_size=20)))


@step("queries on more connections than servers")
def _():
    def work(worker):
        for number in range(20):
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s + %s", (worker * 100, number))
                equal((worker * 100 + number,), cursor.fetchone())
        connection.close()
    together(work)


@step("atomic, nested, select_for_update, on_commit")
def _():
    said = []
    with transaction.atomic():
        transaction.on_commit(lambda: said.append("done"))
        equal("Ada", Author.objects.select_for_update().get(name="Ada").name)

        def inner():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")
        refused(DataError, inner)
        Author.objects.create(name="kept")
    equal((["done"], 1), (said, Author.objects.filter(name="kept").count()))


@step("inspectdb and sqlmigrate")
def _():
    out = io.StringIO()
    call_command("inspectdb", "bookshop_book", database="owner", stdout=out)
    call_command("sqlmigrate", "bookshop", "0001", stdout=out)
    equal(True, "class BookshopBook" in out.getvalue() and "CREATE TABLE" in out.getvalue())
    connections.close_all()


steps.main(f"Django {django.get_version()} (psycopg2)")

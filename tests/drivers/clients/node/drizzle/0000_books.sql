CREATE TABLE "dz_authors" ("id" serial PRIMARY KEY NOT NULL, "name" text NOT NULL, CONSTRAINT "dz_authors_name_unique" UNIQUE("name"));
--> statement-breakpoint
CREATE TABLE "dz_books" ("id" serial PRIMARY KEY NOT NULL, "title" text NOT NULL, "author_id" integer NOT NULL REFERENCES "dz_authors"("id"));
